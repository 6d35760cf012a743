"""raw: pixels as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.base import Batch, BatchCodec
from framefold.kernels.compiled import kernel
from framefold.kernels.damage import GOOD, OUTSIDE, WRONG_LENGTH
from framefold.kernels.memory import copy_bytes, swap_bytes


class RawCodec(BatchCodec):
    """Copies pixels; swaps their bytes where they are big-endian."""

    name = "raw"

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
        elif length != frame_bytes:
            code = WRONG_LENGTH
        else:
            copy_bytes(row, source + offset, length)
            swap_bytes(row, frame_bytes, swap)
        status[frame] = code
