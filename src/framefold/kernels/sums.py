"""Sums over frames and sums of frames.

Integer sums are exact, so no cut into tiles and no order of merging can show in them. Sums
of floats over frames are taken frame after frame in float64: tiles of any depth give the same
bits, partitions cut elsewhere may differ in the last one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import accumulator_dtype, as_rows, is_supported, partial_dtype

# uint16 in uint32 registers: 2**16 frames x (2**16 - 1) stays below 2**32
_FRAMES_PER_PARTIAL = 1 << 16
# one block of 4 frames, its partial sums and its totals stay in a first-level cache of 32 KiB
_BLOCK = 1024


@kernel
def _fold_integers(rows: NDArray[Any], partial: NDArray[Any], total: NDArray[Any]) -> None:
    frames, pixels = rows.shape
    cast = partial.dtype.type
    for start in range(0, pixels, partial.size):
        out = total[start : start + partial.size]
        width = out.size
        sums = partial[:width]
        sums[:] = 0
        f = 0
        while f + 4 <= frames:  # four frames a pass: the partial sums are loaded a fourth as often
            a = rows[f, start : start + width]
            b = rows[f + 1, start : start + width]
            c = rows[f + 2, start : start + width]
            d = rows[f + 3, start : start + width]
            for i in range(width):
                sums[i] += cast(a[i]) + cast(b[i]) + cast(c[i]) + cast(d[i])
            f += 4
        while f < frames:
            a = rows[f, start : start + width]
            for i in range(width):
                sums[i] += cast(a[i])
            f += 1
        for i in range(width):
            out[i] += sums[i]


@kernel
def _fold_floats(rows: NDArray[Any], total: NDArray[Any]) -> None:
    frames, pixels = rows.shape
    for start in range(0, pixels, _BLOCK):
        out = total[start : start + _BLOCK]
        width = out.size
        for f in range(frames):  # one after the other: a tile's depth must not show in the sum
            row = rows[f, start : start + width]
            for i in range(width):
                out[i] += row[i]


@kernel
def _frame_sums_integers(rows: NDArray[Any], partial: NDArray[Any], sums: NDArray[Any]) -> None:
    frames, pixels = rows.shape
    cast = partial.dtype.type
    for f in range(frames):
        row = rows[f]
        for start in range(0, pixels, 32768):
            piece = row[start : start + 32768]
            s = cast(0)
            for i in range(piece.size):
                s = cast(s + piece[i])
            sums[f] += s


@kernel
def _frame_sums_floats(rows: NDArray[Any], lanes: NDArray[Any], sums: NDArray[Any]) -> None:
    frames, pixels = rows.shape
    for f in range(frames):
        row = rows[f]
        lanes[:] = 0
        for start in range(0, pixels, lanes.size):  # lane i holds pixels i, i + lanes.size, ...
            piece = row[start : start + lanes.size]
            for i in range(piece.size):
                lanes[i] += piece[i]
        s = 0.0
        for i in range(lanes.size):
            s += lanes[i]
        sums[f] = s


def add_frames(tile: NDArray[Any], total: NDArray[Any]) -> None:
    """Add every frame of a tile to a running total.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        Frames in the data set's own dtype.
    total : ndarray, shape sig, C-contiguous
        Changed in place. Normally of ``accumulator_dtype(tile.dtype)``: exact for integers as
        long as the sums fit 64 bit.

    Raises
    ------
    ValueError
        If ``total`` is not C-contiguous or does not hold as many pixels as a frame.
    """
    rows = as_rows(tile)
    flat = total.view()
    flat.shape = (total.size,)  # raises where reshape() would silently copy
    if flat.size != rows.shape[1]:
        message = f"total has {flat.size} pixels, the frames have {rows.shape[1]}"
        raise ValueError(message)
    wide = flat.dtype == np.float64 or (
        flat.dtype.kind != "f" and flat.dtype == accumulator_dtype(rows.dtype)
    )
    if not (is_supported(rows.dtype) and wide):
        for row in rows:
            np.add(flat, row, out=flat, casting="same_kind")
    elif rows.dtype.kind == "f":
        _fold_floats(rows, flat)
    else:
        partial = np.empty(_BLOCK, partial_dtype(rows.dtype))
        for first in range(0, len(rows), _FRAMES_PER_PARTIAL):
            _fold_integers(rows[first : first + _FRAMES_PER_PARTIAL], partial, flat)


def frame_sums(tile: NDArray[Any]) -> NDArray[Any]:
    """The sum of each frame's pixels.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        Frames in the data set's own dtype.

    Returns
    -------
    ndarray of accumulator_dtype(tile.dtype), shape (n,)
        Exact for integers. Each frame is added up by itself in a fixed order.
    """
    rows = as_rows(tile)
    sums = np.zeros(len(rows), accumulator_dtype(rows.dtype))
    if not is_supported(rows.dtype):
        for f, row in enumerate(rows):
            sums[f] = row.sum(dtype=sums.dtype)
    elif rows.dtype.kind == "f":
        _frame_sums_floats(rows, np.empty(_BLOCK, np.float64), sums)
    else:
        _frame_sums_integers(rows, np.empty(0, partial_dtype(rows.dtype)), sums)
    return sums


def warm(dtype: np.dtype[Any]) -> None:
    """Compile, or load from the cache, what tiles of ``dtype`` need."""
    tile = np.zeros((1, 1), dtype)
    add_frames(tile, np.zeros(1, accumulator_dtype(dtype)))
    frame_sums(tile)
