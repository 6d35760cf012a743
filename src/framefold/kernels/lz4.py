"""One LZ4 block: compressed bytes at an address to bytes at another address.

The format is "LZ4 Block Format Description" (lz4/lz4, doc/lz4_Block_format.md): sequences of a
token, literals, a two-byte offset and a match; the last sequence has literals only.
"""

from __future__ import annotations

import numpy as np

from framefold.kernels.compiled import inlined, kernel
from framefold.kernels.damage import BAD_MATCH, BLOCK_TOO_LONG, TRUNCATED
from framefold.kernels.memory import (
    copy_8,
    copy_16,
    copy_32,
    fill_64,
    load_u8,
    load_u16,
    load_u64,
    store_u8,
    store_u64,
)

# A match nearer than eight bytes repeats a short pattern. These make eight bytes of it: the
# pattern is cut out by a mask and repeated by a product; writing goes on in steps of the largest
# multiple of the period that fits into eight bytes. Index: the offset, 0..8 (0 is refused before).
_PERIOD_MASK = np.array([0] + [(1 << 8 * n) - 1 for n in range(1, 8)] + [-1], np.int64)
_PERIOD_PRODUCT = np.array(
    [0] + [sum(1 << 8 * i for i in range(0, 8, n)) for n in range(1, 9)], np.uint64
).view(np.int64)
_PERIOD_STEP = np.array([0] + [8 // n * n for n in range(1, 9)], np.int64)


@inlined
def _copy_match(place: int, offset: int, end: int, writable_end: int) -> None:
    """Repeat what lies ``offset`` bytes back until ``end``; may write on up to ``writable_end``."""
    if end + 64 > writable_end:
        # Near the end of memory: one byte at a time until the repeat no longer overlaps a wide
        # copy, then wide, then the rest one by one.
        distance = offset * ((31 + offset) // offset)
        near = min(end, place + distance - offset)
        while place < near:
            store_u8(place, load_u8(place - offset))
            place += 1
        while place + 32 <= end:
            copy_32(place, place - distance)
            place += 32
        while place < end:
            store_u8(place, load_u8(place - offset))
            place += 1
    elif offset >= 32:
        while place < end:
            copy_32(place, place - offset)
            place += 32
    elif offset > 8:
        while place < end:
            copy_8(place, place - offset)
            place += 8
    else:
        pattern = (load_u64(place - offset) & _PERIOD_MASK[offset]) * _PERIOD_PRODUCT[offset]
        step = _PERIOD_STEP[offset]
        if step == 8:
            while place < end:
                fill_64(place, pattern)
                place += 64
        else:
            while place < end:
                store_u64(place, pattern)
                place += step


@inlined
def _copy_literals(
    target: int, source: int, count: int, readable_end: int, writable_end: int
) -> None:
    """Copy literals: wide where there is room behind both ends, else exactly."""
    done = 0
    if source + count + 32 <= readable_end and target + count + 32 <= writable_end:
        while done < count:
            copy_32(target + done, source + done)
            done += 32
    else:
        while done + 32 <= count:
            copy_32(target + done, source + done)
            done += 32
        while done < count:
            store_u8(target + done, load_u8(source + done))
            done += 1


@inlined
def _copy_short_match(place: int, offset: int) -> None:
    """Repeat what lies ``offset`` bytes back for 18 bytes; writes up to 32."""
    if offset >= 8:
        copy_8(place, place - offset)
        copy_8(place + 8, place + 8 - offset)
        copy_8(place + 16, place + 16 - offset)
    else:
        pattern = (load_u64(place - offset) & _PERIOD_MASK[offset]) * _PERIOD_PRODUCT[offset]
        step = _PERIOD_STEP[offset]
        store_u64(place, pattern)
        store_u64(place + step, pattern)
        store_u64(place + 2 * step, pattern)
        store_u64(place + 3 * step, pattern)


@inlined
def _added_length(source: int, source_end: int) -> tuple[int, int]:
    """The bytes that continue a length of 15: their sum, and the address behind them.

    The sum is negative if they do not end.
    """
    total = 0
    more = 255
    while more == 255:
        if source >= source_end:
            return -1, source
        more = load_u8(source)
        source += 1
        total += more
    return total, source


@kernel
def decode_block(
    source: int, source_end: int, readable_end: int, target: int, target_end: int, writable_end: int
) -> int:
    """Decode one LZ4 block.

    Parameters
    ----------
    source, source_end : int
        Address of the block, and of the byte behind it.
    readable_end : int
        Memory may be read up to here, at least up to ``source_end``.
    target, target_end : int
        Address for the decoded bytes, and of the byte behind the last one that is wanted.
    writable_end : int
        Memory may be written up to here, at least up to ``target_end``; with 64 bytes of slack
        the whole block is decoded by wide copies.

    Returns
    -------
    int
        How many bytes were decoded; or, negative, a number of `damage`.
    """
    # Up to here a token, 14 literals fetched as 16, and an offset can be read, and 14 literals
    # and a match of 18 written as four overlapping eights, without looking at the ends.
    fast_source = source_end - 17
    fast_target = min(target_end - 32, writable_end - 46)
    start = target
    while source < source_end:
        token = load_u8(source)
        source += 1
        literals = token >> 4
        length = (token & 15) + 4
        fast = literals != 15 and source <= fast_source and target <= fast_target
        if fast:
            copy_16(target, source)
        else:
            if literals == 15:
                added, source = _added_length(source, source_end)
                literals += added
                if added < 0:
                    return -TRUNCATED
            if literals > source_end - source:
                return -TRUNCATED
            if literals > target_end - target:
                return -BLOCK_TOO_LONG
            _copy_literals(target, source, literals, readable_end, writable_end)
            if source + literals == source_end:
                return target + literals - start
            if source + literals + 2 > source_end:
                return -TRUNCATED
        target += literals
        source += literals + 2
        offset = load_u16(source - 2)
        if offset == 0 or target - offset < start:
            return -BAD_MATCH
        if fast and length != 19:
            _copy_short_match(target, offset)
        else:
            if length == 19:
                added, source = _added_length(source, source_end)
                length += added
                if added < 0:
                    return -TRUNCATED
            if length > target_end - target:
                return -BLOCK_TOO_LONG
            _copy_match(target, offset, target + length, writable_end)
        target += length
    return -TRUNCATED
