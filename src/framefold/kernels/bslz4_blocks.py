"""The format of bslz4 frames: what stands before the blocks, and the bit planes of one block.

Bytes 0..7 hold the decoded size, 8..11 the block size in bytes, both big-endian; then each block
follows its own compressed size (4 bytes, big-endian): an LZ4 block of bit planes. The last block
is shorter, down to a multiple of eight pixels; up to seven pixels behind it are stored as they are.
Source: kiyo-masui/bitshuffle, README and src/bitshuffle.c; dectris/compression, src/compression.c.
"""

from __future__ import annotations

from framefold.kernels.compiled import inlined, kernel
from framefold.kernels.damage import (
    BAD_BLOCK_SIZE,
    BLOCK_TOO_SHORT,
    GOOD,
    LEFTOVER,
    OUTSIDE,
    TRUNCATED,
    WRONG_TOTAL,
)
from framefold.kernels.lz4 import decode_block
from framefold.kernels.memory import SLACK, copy_bytes, load_u32_big, load_u64_big
from framefold.kernels.sentinels import clear_full_pixels, clear_full_planes

HEADER_BYTES = 12
"""What stands before the first block of a frame [bytes]."""

USUAL_BLOCK_BYTES = 8192
"""The block size of all captures of DECTRIS detectors, and the library's own default [bytes]."""

_LEAST_BLOCK_PIXELS = 128  # the library's own default never goes below that


@kernel
def frame_block_size(
    source_bytes: int, offset: int, length: int, start: int, frame_bytes: int, pixel_bytes: int
) -> int:
    """The block size that holds for a frame [bytes]; or, negative, a number of `damage`.

    Parameters
    ----------
    source_bytes : int
        Size of the memory with the encoded frames [bytes].
    offset, length : int
        Where in it the frame begins, and how long it is [bytes].
    start : int
        Address of its first byte.
    frame_bytes, pixel_bytes : int
        Sizes of a decoded frame and of a pixel [bytes].
    """
    if offset < 0 or length < 0 or offset > source_bytes - length:
        return -OUTSIDE
    if length < HEADER_BYTES:
        return -TRUNCATED
    total = load_u64_big(start)
    block_bytes = load_u32_big(start + 8)
    if total == 0 and block_bytes == 0:
        total = frame_bytes
        pixels = max(USUAL_BLOCK_BYTES // pixel_bytes // 8 * 8, _LEAST_BLOCK_PIXELS)
        block_bytes = pixels * pixel_bytes
    if total != frame_bytes:
        return -WRONG_TOTAL
    if block_bytes == 0 or block_bytes % (8 * pixel_bytes) != 0:
        return -BAD_BLOCK_SIZE
    return block_bytes


@inlined
def block_length(left: int, block_bytes: int, pixel_bytes: int) -> int:
    """Length of the next block of a frame of which so much is left, decoded [bytes]."""
    wanted = min(block_bytes, left)
    return wanted - wanted % (8 * pixel_bytes)


@kernel
def decode_planes(
    place: int, end: int, target: int, wanted: int, pixel_bytes: int, blank: int
) -> int:
    """The bit planes of one block, with `SLACK` bytes of room behind them.

    Gives the address behind what is stored of it; or, negative, a number of `damage`.
    """
    if end - place < 4:
        return -TRUNCATED
    stored = load_u32_big(place)
    place += 4
    if stored > end - place:
        return -TRUNCATED
    planes_end = target + wanted
    decoded = decode_block(place, place + stored, end, target, planes_end, planes_end + SLACK)
    if decoded < 0:
        return decoded
    if decoded != wanted:
        return -BLOCK_TOO_SHORT
    if blank:
        clear_full_planes(target, wanted // pixel_bytes // 8, 8 * pixel_bytes)
    return place + stored


@kernel
def copy_tail(place: int, end: int, rest: int, pixel_bytes: int, blank: int, target: int) -> int:
    """Copy the pixels behind the last block; a number of `damage`.

    Parameters
    ----------
    place, end : int
        Address behind the last block, and of the byte behind the frame.
    rest : int
        How long these pixels are together [bytes].
    pixel_bytes : int
        Size of a pixel [bytes].
    blank : int
        Whether pixels with all bits set become zero.
    target : int
        Where they are copied to.
    """
    if end - place < rest:
        return TRUNCATED
    copy_bytes(target, place, rest)
    if blank:
        clear_full_pixels(target, rest, pixel_bytes)
    return GOOD if end - place == rest else LEFTOVER
