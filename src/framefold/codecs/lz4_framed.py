"""lz4-framed: LZ4 blocks behind a header (HDF5 filter 32004; SIMPLON stream v2, ``"lz4"``).

Bytes 0..7 hold the decoded size, 8..11 the block size, both big-endian; then each block follows
its own compressed size (4 bytes, big-endian). A block that did not shrink is stored as it is.
Source: HDF Group, "HDF5 LZ4 filter", registered filter 32004.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.base import Batch, BatchCodec
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
    copy_bytes,
    load_u32_big,
    load_u64_big,
    swap_bytes,
)

_HEADER_BYTES = 12


class Lz4FramedCodec(BatchCodec):
    """Decodes frames of LZ4 blocks with sizes in front."""

    name = "lz4-framed"

    def fill(self, batch: Batch) -> None:
        """Decode; see `BatchCodec.fill`."""
        _decode_frames(*batch)


@kernel
def _decode_frame(start: int, end: int, row: int, frame_bytes: int) -> int:
    """One frame between two addresses; a number of `damage`."""
    if end - start < _HEADER_BYTES:
        return TRUNCATED
    if load_u64_big(start) != frame_bytes:
        return WRONG_TOTAL
    block_bytes = load_u32_big(start + 8)
    if block_bytes == 0 and frame_bytes > 0:
        return BAD_BLOCK_SIZE
    place = start + _HEADER_BYTES
    done = 0
    while done < frame_bytes:
        wanted = min(block_bytes, frame_bytes - done)
        if end - place < 4:
            return TRUNCATED
        stored = load_u32_big(place)
        place += 4
        if stored > end - place:
            return TRUNCATED
        target = row + done
        if stored == wanted:
            copy_bytes(target, place, wanted)
        else:
            target_end = target + wanted
            decoded = decode_block(place, place + stored, end, target, target_end, target_end)
            if decoded < 0:
                return -decoded
            if decoded != wanted:
                return BLOCK_TOO_SHORT
        place += stored
        done += wanted
    return GOOD if place == end else LEFTOVER


@kernel
def _decode_frames(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    target: int,
    frame_bytes: int,
    _pixel_bytes: int,
    swap: int,
    status: NDArray[np.int32],
) -> None:
    for frame in range(len(status)):
        offset = offsets[frame]
        length = lengths[frame]
        row = target + frame * frame_bytes
        code = OUTSIDE
        if offset >= 0 and length >= 0 and offset <= source_bytes - length:
            start = source + offset
            code = _decode_frame(start, start + length, row, frame_bytes)
            if code == GOOD:
                swap_bytes(row, frame_bytes, swap)
        status[frame] = code
