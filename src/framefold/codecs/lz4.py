"""lz4: one bare LZ4 block a frame, without any header (SIMPLON stream v1, encoding ``lz4<``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.base import Batch, BatchCodec
from framefold.kernels.compiled import kernel
from framefold.kernels.damage import BLOCK_TOO_SHORT, GOOD, OUTSIDE
from framefold.kernels.lz4 import decode_block
from framefold.kernels.memory import swap_bytes


class Lz4Codec(BatchCodec):
    """Decodes frames that are one LZ4 block each; the size comes from ``out`` alone."""

    name = "lz4"

    def fill(self, batch: Batch) -> None:
        """Decode; see `BatchCodec.fill`."""
        _decode_frames(*batch)


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
        code = GOOD
        if offset < 0 or length < 0 or offset > source_bytes - length:
            code = OUTSIDE
        else:
            start = source + offset
            row_end = row + frame_bytes
            decoded = decode_block(start, start + length, start + length, row, row_end, row_end)
            if decoded < 0:
                code = -decoded
            elif decoded != frame_bytes:
                code = BLOCK_TOO_SHORT
            else:
                swap_bytes(row, frame_bytes, swap)
        status[frame] = code
