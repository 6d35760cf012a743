"""Corrections of a tile of frames: dark, gain and repair in one pass through memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import as_rows, is_supported


@kernel
def _scaled(rows: NDArray[Any], dark: NDArray[Any], gain: NDArray[Any], out: NDArray[Any]) -> None:
    frames, pixels = rows.shape
    with_dark, with_gain = dark.size > 0, gain.size > 0
    cast = out.dtype.type
    for f in range(frames):
        raw, corrected = rows[f], out[f]
        # one loop for each case: a test for each pixel would keep the loop from vectorising
        if with_dark and with_gain:
            for i in range(pixels):
                corrected[i] = (cast(raw[i]) - dark[i]) * gain[i]
        elif with_dark:
            for i in range(pixels):
                corrected[i] = cast(raw[i]) - dark[i]
        elif with_gain:
            for i in range(pixels):
                corrected[i] = cast(raw[i]) * gain[i]
        else:
            for i in range(pixels):
                corrected[i] = cast(raw[i])


@kernel
def _repaired(
    out: NDArray[Any],
    excluded: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    counts: NDArray[np.int64],
    zero: NDArray[Any],
) -> None:
    cast = out.dtype.type
    for f in range(out.shape[0]):
        corrected = out[f]
        for k in range(excluded.size):
            total = zero[0]  # wider than the pixels
            for j in range(counts[k]):
                total += corrected[neighbours[k, j]]
            corrected[excluded[k]] = cast(total / counts[k])


def correct_tile(
    tile: NDArray[Any],
    dark: NDArray[Any],
    gain: NDArray[Any],
    repairs: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None,
    out: NDArray[Any],
) -> None:
    """Correct frames: ``(raw - dark) * gain``, then the mean of its neighbours for each excluded.

    Parameters
    ----------
    tile : ndarray, shape (frames,) + sig
        Raw frames, any numeric type.
    dark, gain : ndarray of ``out``'s type, shape (pixels,) or (0,)
        Shape (0,): none.
    repairs : tuple of three ndarray of int64, or None
        Flat index of each excluded pixel; its neighbours, shape (pixels, most), good ones first;
        how many of them are good, at least 1.
    out : ndarray of float or complex, C-contiguous, shape (frames,) + sig
        Corrected frames; means are taken in double precision.
    """
    rows = as_rows(tile if is_supported(tile.dtype) else tile.astype(out.dtype))
    corrected = out.reshape(rows.shape)
    _scaled(rows, dark, gain, corrected)
    if repairs is not None:
        _repaired(corrected, *repairs, np.zeros(1, np.result_type(out.dtype, np.float64)))


def warm(dtype: np.dtype[Any]) -> None:
    """Compile, or load from the cache, what raw tiles of ``dtype`` need."""
    kind = np.result_type(dtype, np.float32)
    one, table = np.zeros(1, np.int64), np.zeros((1, 1), np.int64)
    empty = np.zeros(0, kind)
    correct_tile(np.zeros((0, 1), dtype), empty, empty, (one, table, one), np.zeros((0, 1), kind))
