"""bslz4: bitshuffle and LZ4 (SIMPLON streams ``bs16-lz4<``, ``"bslz4"``; HDF5 filter 32008).

Bytes 0..7 hold the decoded size, 8..11 the block size in bytes, both big-endian; then each block
follows its own compressed size (4 bytes, big-endian): an LZ4 block of bit planes. The last block
is shorter, down to a multiple of eight pixels; up to seven pixels behind it are stored as they are.
Source: kiyo-masui/bitshuffle, README and src/bitshuffle.c; dectris/compression, src/compression.c.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.base import Batch, BlankingCodec
from framefold.codecs.scratch import scratch
from framefold.kernels.bitplanes import WORKSPACE, restore_integers
from framefold.kernels.compiled import kernel
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
from framefold.kernels.memory import (
    SLACK,
    copy_bytes,
    load_u32_big,
    load_u64_big,
    swap_bytes,
)
from framefold.kernels.sentinels import clear_full_pixels, clear_full_planes

_HEADER_BYTES = 12
_USUAL_BLOCK_BYTES = 8192  # all captures of DECTRIS detectors, and the library's own default
_LEAST_BLOCK_PIXELS = 128  # the library's own default never goes below that


class Bslz4Codec(BlankingCodec):
    """Decodes bitshuffled LZ4 frames of pixels of any size; 1, 2 and 4 bytes are fast."""

    name = "bslz4"

    def fill(self, batch: Batch, *, blank: bool = False) -> None:
        """Decode; see `BlankingCodec.fill`.

        An all-zero header stands for the size of a frame and the usual block size.
        """
        room = _USUAL_BLOCK_BYTES
        while True:
            needed = _decode_frames(*batch, scratch(room + SLACK + WORKSPACE), room, int(blank))
            if needed <= room:
                return
            # A sender with larger blocks. No block is larger than a frame, whatever a header says.
            room = needed


@kernel
def _block_bytes(start: int, frame_bytes: int, pixel_bytes: int) -> int:
    """The block size that holds for a frame [bytes]; or, negative, a number of `damage`."""
    total = load_u64_big(start)
    block_bytes = load_u32_big(start + 8)
    if total == 0 and block_bytes == 0:
        total = frame_bytes
        pixels = max(_USUAL_BLOCK_BYTES // pixel_bytes // 8 * 8, _LEAST_BLOCK_PIXELS)
        block_bytes = pixels * pixel_bytes
    if total != frame_bytes:
        return -WRONG_TOTAL
    if block_bytes == 0 or block_bytes % (8 * pixel_bytes) != 0:
        return -BAD_BLOCK_SIZE
    return block_bytes


@kernel
def _decode_frame(
    start: int,
    end: int,
    row: int,
    frame_bytes: int,
    pixel_bytes: int,
    block_bytes: int,
    memory: int,
    blank: int,
) -> int:
    """One frame between two addresses, header known to be good; a number of `damage`."""
    place = start + _HEADER_BYTES
    workspace = memory + min(block_bytes, frame_bytes) + SLACK
    done = 0
    while frame_bytes - done >= 8 * pixel_bytes:
        wanted = min(block_bytes, frame_bytes - done)
        wanted -= wanted % (8 * pixel_bytes)
        if end - place < 4:
            return TRUNCATED
        stored = load_u32_big(place)
        place += 4
        if stored > end - place:
            return TRUNCATED
        planes_end = memory + wanted
        decoded = decode_block(place, place + stored, end, memory, planes_end, planes_end + SLACK)
        if decoded < 0:
            return -decoded
        if decoded != wanted:
            return BLOCK_TOO_SHORT
        if blank:
            clear_full_planes(memory, wanted // pixel_bytes // 8, 8 * pixel_bytes)
        restore_integers(memory, wanted // pixel_bytes, pixel_bytes, row + done, workspace)
        place += stored
        done += wanted
    rest = frame_bytes - done
    if end - place < rest:
        return TRUNCATED
    copy_bytes(row + done, place, rest)
    if blank:
        clear_full_pixels(row + done, rest, pixel_bytes)
    return GOOD if end - place == rest else LEFTOVER


@kernel
def _decode_frames(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    target: int,
    frame_bytes: int,
    pixel_bytes: int,
    swap: int,
    status: NDArray[np.int32],
    memory: int,
    room: int,
    blank: int,
) -> int:
    """All frames; returns the room the largest block needs, frames that need more are left out."""
    needed = 0
    for frame in range(len(status)):
        offset = offsets[frame]
        length = lengths[frame]
        row = target + frame * frame_bytes
        start = source + offset
        if offset < 0 or length < 0 or offset > source_bytes - length:
            code = OUTSIDE
        elif length < _HEADER_BYTES:
            code = TRUNCATED
        else:
            block_bytes = _block_bytes(start, frame_bytes, pixel_bytes)
            code = -block_bytes
            if block_bytes > 0:
                needed = max(needed, min(block_bytes, frame_bytes))
            if block_bytes > 0 and needed <= room:
                end = start + length
                code = _decode_frame(
                    start, end, row, frame_bytes, pixel_bytes, block_bytes, memory, blank
                )
                if code == GOOD:
                    swap_bytes(row, frame_bytes, swap)
        status[frame] = code
    return needed
