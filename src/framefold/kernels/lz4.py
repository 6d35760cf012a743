"""One LZ4 block: compressed bytes at an address to bytes at another address.

The format is "LZ4 Block Format Description" (lz4/lz4, doc/lz4_Block_format.md): sequences of a
token, literals, a two-byte offset and a match; the last sequence has literals only.

Frames of detectors have sequences of a few bytes, one unlike the other, so that a processor guesses
every second branch wrong. Those with up to 14 literals and a match of up to 32 bytes, nine of ten,
are decoded without one: tables say what a token means and in which order bytes are repeated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import inlined, kernel
from framefold.kernels.damage import BAD_MATCH, BLOCK_TOO_LONG, TRUNCATED
from framefold.kernels.memory import (
    copy_8,
    copy_16,
    copy_32,
    copy_64,
    fill_64,
    load_u8,
    load_u16,
    load_u32,
    load_u64,
    repeat_32,
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

_MANY_LITERALS = 15 << 4  # tokens from here on: more bytes tell of literals

# Of the others: how far the next one is; how long the match is; and which bits of a byte behind the
# offset add to that.
_TOKENS = range(_MANY_LITERALS)
_STEP = np.array([(t >> 4) + 3 + (t & 15 == 15) for t in _TOKENS], np.int64)
_LENGTH = np.array([(t & 15) + 4 for t in _TOKENS], np.int64)
_LENGTH_BITS = np.array([255 if t & 15 == 15 else 0 for t in _TOKENS], np.int64)


_FAR = 32
_ROW_BYTES = 64


def _repeats() -> NDArray[np.uint8]:
    """Of each offset up to 32 (farther ones are like that): how 32 bytes of a match are made.

    Each row has the order in which the bytes of two times sixteen are taken; how long a match may
    be (int64); and how far behind the first sixteen bytes the others begin (int64).
    """
    rows = np.zeros((_FAR + 1, _ROW_BYTES), np.uint8)
    for offset, row in enumerate(rows):
        overlaps = 0 < offset < 16
        row[:32] = np.arange(32) % (offset if overlaps else 16)
        most = 32 if overlaps else offset or -1  # an offset of 0 is damage
        row[32:48].view(np.int64)[:] = most, 0 if overlaps else 16
    return rows


_REPEATS = _repeats()


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
    if source + count + 64 <= readable_end and target + count + 64 <= writable_end:
        while done < count:
            copy_64(target + done, source + done)
            done += 64
    else:
        while done + 32 <= count:
            copy_32(target + done, source + done)
            done += 32
        while done < count:
            store_u8(target + done, load_u8(source + done))
            done += 1


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
    # Up to here a token, 14 literals and the bytes of a match can be read, and 14 literals and a
    # match be written as 32 bytes, without looking at the ends.
    fast_source = source_end - 19
    fast_target = target_end - 46
    start = target
    rows = _REPEATS.ctypes.data
    while source < source_end:
        while source <= fast_source and target <= fast_target:
            token = load_u8(source)
            if token >= _MANY_LITERALS:
                break  # one after the other in dense frames
            place = target + (token >> 4)
            match = load_u32(source + 1 + (token >> 4))
            offset = match & 0xFFFF
            length = _LENGTH[token] + (match >> 16 & _LENGTH_BITS[token])
            near = place - offset
            row = rows + _ROW_BYTES * min(offset, _FAR)
            if (load_u64(row + 32) - length) | (near - start) < 0:  # one of them is negative
                break
            copy_16(target, source + 1)
            repeat_32(place, near, near + load_u64(row + 40), row)
            target = place + length
            source += _STEP[token]
        token = load_u8(source)
        source += 1
        literals = token >> 4
        length = (token & 15) + 4
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
