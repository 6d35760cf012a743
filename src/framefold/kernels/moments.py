"""Total and first moments of a detector region, for centres of mass.

Rows are added into one row of column sums; the y moment takes each run's own sum times its row,
the x moment the column sums times their columns. Two additions a pixel, no multiplication, and
exact for integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import as_rows, is_supported, partial_dtype
from framefold.kernels.runs import find_runs


@kernel
def _moments_integers(
    rows: NDArray[Any],
    width: int,
    first: NDArray[Any],
    stop: NDArray[Any],
    columns: NDArray[Any],
    out: NDArray[Any],
) -> None:
    cast = columns.dtype.type
    for f in range(rows.shape[0]):
        row = rows[f]
        columns[:] = 0
        total = np.int64(0)
        along_y = np.int64(0)
        for k in range(first.size):
            y = first[k] // width
            x = first[k] - y * width
            piece = row[first[k] : stop[k]]
            below = columns[x : x + piece.size]
            s = cast(0)
            for i in range(piece.size):
                value = cast(piece[i])
                below[i] += value
                s = cast(s + value)
            total += np.int64(s)
            along_y += np.int64(s) * y
        along_x = np.int64(0)
        for i in range(columns.size):
            along_x += np.int64(columns[i]) * i
        out[f, 0] = total
        out[f, 1] = along_y
        out[f, 2] = along_x


@kernel
def _moments_floats(
    rows: NDArray[Any],
    width: int,
    first: NDArray[Any],
    stop: NDArray[Any],
    columns: NDArray[Any],
    weighted: NDArray[Any],
    out: NDArray[Any],
) -> None:
    for f in range(rows.shape[0]):
        row = rows[f]
        columns[:] = 0
        weighted[:] = 0
        for k in range(first.size):
            y = first[k] // width
            x = first[k] - y * width
            piece = row[first[k] : stop[k]]
            below = columns[x : x + piece.size]
            below_weighted = weighted[x : x + piece.size]
            factor = np.float64(y)
            for i in range(piece.size):
                value = np.float64(piece[i])
                below[i] += value
                below_weighted[i] += factor * value
        total = 0.0
        along_y = 0.0
        along_x = 0.0
        for i in range(columns.size):
            total += columns[i]
            along_y += weighted[i]
            along_x += columns[i] * i
        out[f, 0] = total
        out[f, 1] = along_y
        out[f, 2] = along_x


class RegionMoments:
    """Sum, y-weighted sum and x-weighted sum of each frame within a region of the detector.

    Parameters
    ----------
    region : ndarray of bool, shape (h, w)
        The pixels that count.
    dtype : dtype-like
        dtype of the frames to come.
    """

    def __init__(self, region: NDArray[np.bool_], dtype: np.dtype[Any]) -> None:
        self.frame_dtype = np.dtype(dtype)
        self.shape = region.shape
        self._region = np.array(region, np.bool_)
        runs = find_runs(self._region.reshape(1, -1), width=region.shape[1])
        self._first, self._stop = runs.first, runs.stop
        self._pixel = np.dtype(np.uint8) if self.frame_dtype == np.bool_ else self.frame_dtype
        self.exact = is_supported(self._pixel) and self._pixel.kind in "ui" and self._fits()

    def _fits(self) -> bool:
        """Whether no frame of any content can overflow the column sums or the moments."""
        height, width = self.shape
        largest = max(abs(int(np.iinfo(self._pixel).min)), int(np.iinfo(self._pixel).max))
        column = int(np.iinfo(partial_dtype(self._pixel)).max)
        moment = largest * np.count_nonzero(self._region) * max(height, width)
        return bool(largest * height <= column and moment < 2**63)

    def apply(self, tile: NDArray[Any]) -> NDArray[Any]:
        """The three sums of every frame.

        Parameters
        ----------
        tile : ndarray of the promised dtype, shape (n, h, w)
            Frames.

        Returns
        -------
        ndarray, shape (n, 3)
            Columns: sum, sum of y times value, sum of x times value, with y and x the pixel's
            row and column. int64 and exact for integers of at most 32 bit; float64, or
            complex128, for others, added up in an order that depends on the region alone.
        """
        if tile.shape[1:] != self.shape or tile.dtype != self.frame_dtype:
            message = (
                f"moments prepared for frames of {self.shape} {self.frame_dtype} "
                f"cannot be taken of {tile.shape[1:]} {tile.dtype}"
            )
            raise ValueError(message)
        rows = as_rows(tile)
        width = self.shape[1]
        if not is_supported(self._pixel):
            return self._plainly(tile)
        if rows.dtype == np.bool_:
            rows = rows.view(np.uint8)
        if self.exact:
            sums = np.zeros((len(rows), 3), np.int64)
            columns = np.empty(width, partial_dtype(rows.dtype))
            _moments_integers(rows, width, self._first, self._stop, columns, sums)
            return sums
        sums = np.zeros((len(rows), 3), np.float64)
        columns, weighted = np.empty((2, width), np.float64)
        _moments_floats(rows, width, self._first, self._stop, columns, weighted, sums)
        return sums

    def _plainly(self, tile: NDArray[Any]) -> NDArray[Any]:
        wide = np.complex128 if tile.dtype.kind == "c" else np.float64
        y, x = np.nonzero(self._region)
        sums = np.zeros((len(tile), 3), wide)
        for f, frame in enumerate(tile):
            values = frame[y, x].astype(wide)
            sums[f] = values.sum(), (values * y).sum(), (values * x).sum()
        return sums


def warm(dtype: np.dtype[Any]) -> None:
    """Compile, or load from the cache, what frames of ``dtype`` need."""
    RegionMoments(np.ones((1, 1), np.bool_), dtype).apply(np.zeros((1, 1, 1), dtype))
