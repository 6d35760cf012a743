"""Sums of each frame's pixels by ring, or by any other numbering of the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import accumulator_dtype, as_rows, is_supported


@kernel
def _ring_sums(
    rows: NDArray[Any], rings: NDArray[Any], lanes: NDArray[Any], out: NDArray[Any]
) -> None:
    frames, pixels = rows.shape
    count = out.shape[1]
    for first in range(0, frames, 4):
        # Neighbouring pixels share a ring: one frame alone would wait for its own last sum. The
        # last few frames are taken twice rather than by another loop.
        f0 = max(0, min(first, frames - 4))
        f1, f2, f3 = min(f0 + 1, frames - 1), min(f0 + 2, frames - 1), min(f0 + 3, frames - 1)
        a, b, c, d = rows[f0], rows[f1], rows[f2], rows[f3]
        lanes[:] = 0
        for p in range(pixels):
            ring = lanes[rings[p]]
            ring[0] += a[p]
            ring[1] += b[p]
            ring[2] += c[p]
            ring[3] += d[p]
        for k in range(count):
            out[f0, k] = lanes[k, 0]
            out[f1, k] = lanes[k, 1]
            out[f2, k] = lanes[k, 2]
            out[f3, k] = lanes[k, 3]


def ring_sums(tile: NDArray[Any], rings: NDArray[np.int32], count: int) -> NDArray[Any]:
    """The sum of each frame's pixels in each ring.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        Frames.
    rings : ndarray of int32, shape sig
        Ring of each pixel, 0 to ``count``; pixels of number ``count`` are left out.
    count : int
        How many rings there are.

    Returns
    -------
    ndarray of accumulator_dtype(tile.dtype), shape (n, count)
        Exact for integers. Each frame is added up by itself, pixel after pixel.
    """
    rows = as_rows(tile)
    flat = np.ascontiguousarray(rings, np.int32).reshape(-1)
    if flat.size != rows.shape[1] or (flat.size and not 0 <= flat.min() <= flat.max() <= count):
        message = f"{flat.size} ring numbers do not fit frames of {rows.shape[1]} pixels"
        raise ValueError(message)
    out = np.zeros((len(rows), count), accumulator_dtype(rows.dtype))
    if not is_supported(rows.dtype):
        for row, sums in zip(rows, out, strict=True):
            padded = np.zeros(count + 1, out.dtype)
            np.add.at(padded, flat, row.astype(out.dtype))
            sums[:] = padded[:count]
    elif len(rows):
        _ring_sums(rows, flat, np.empty((count + 1, 4), out.dtype), out)
    return out
