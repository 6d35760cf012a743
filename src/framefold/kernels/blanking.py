"""Masked pixels of a tile become zero, in the recorded type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel

_RUN = 1024
"""Pixels looked at before any is written: nearly all runs of a good detector stay as they are."""


@kernel
def _blanked(pixels: NDArray[Any], sentinel: NDArray[Any]) -> None:
    none, zero = sentinel[0], sentinel[1]
    total = pixels.size
    for first in range(0, total, _RUN):
        run = pixels[first : min(total, first + _RUN)]
        top = zero
        for i in range(run.size):
            top = max(top, run[i])
        # the sentinel is nearly always the largest value there is; a maximum needs no wider type
        if top >= none:
            for i in range(run.size):
                run[i] = zero if run[i] == none else run[i]


@kernel
def _left_out(rows: NDArray[Any], excluded: NDArray[np.int64], sentinel: NDArray[Any]) -> None:
    zero = sentinel[1]
    for f in range(rows.shape[0]):
        row = rows[f]
        for k in range(excluded.size):
            row[excluded[k]] = zero


def blank_tile(
    tile: NDArray[Any], sentinel: int | None, excluded: NDArray[np.int64] | None
) -> None:
    """Put zero in place of masked pixels.

    Parameters
    ----------
    tile : ndarray, C-contiguous, shape (frames,) + sig
        Frames in machine byte order; changed in place.
    sentinel : int or None
        The value that means none; it must be one of the pixel type. None if there is none.
    excluded : ndarray of int64 or None
        Flat index of each pixel that is blank whatever its value, within the frame.
    """
    values = np.array([0 if sentinel is None else sentinel, 0], dtype=tile.dtype)
    if sentinel is not None:
        _blanked(tile.reshape(-1), values)
    if excluded is not None and excluded.size:
        _left_out(tile.reshape(len(tile), -1), excluded, values)


def warm(dtype: np.dtype[Any]) -> None:
    """Compile, or load from the cache, what tiles of ``dtype`` need."""
    if dtype.kind == "u":
        blank_tile(np.zeros((1, 1), dtype), 0, np.zeros(1, np.int64))
