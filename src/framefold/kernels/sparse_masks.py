"""Dot products of frames with masks of few weights, each pixel fetched by its number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import as_rows, is_supported


@kernel
def _gather(
    rows: NDArray[Any],
    pixel: NDArray[Any],
    weight: NDArray[Any],
    bounds: NDArray[Any],
    out: NDArray[Any],
) -> None:
    cast = weight.dtype.type
    for f in range(rows.shape[0]):
        row = rows[f]
        for k in range(bounds.size - 1):
            total = cast(0)
            for j in range(bounds[k], bounds[k + 1]):
                total += cast(row[pixel[j]]) * weight[j]
            out[f, k] = total


class SparseMasks:
    """A stack of sparse masks prepared once for frames of one dtype.

    Parameters
    ----------
    pixel : ndarray of int64, shape (weights,)
        Flat pixel numbers, mask after mask.
    weight : ndarray, shape (weights,)
        Bool, integers, floats or complex.
    bounds : ndarray of int64, shape (m + 1,)
        Mask k has the weights ``bounds[k]`` to ``bounds[k + 1]``, the latter exclusive.
    pixels : int
        Of a frame.
    dtype : dtype-like
        Of the frames to come.
    """

    def __init__(
        self,
        pixel: NDArray[np.int64],
        weight: NDArray[Any],
        bounds: NDArray[np.int64],
        pixels: int,
        dtype: DTypeLike,
    ) -> None:
        self.frame_dtype = np.dtype(dtype)
        self.pixels = pixels
        if pixel.size and not 0 <= pixel.min() <= pixel.max() < pixels:
            message = f"masks have pixels beyond frames of {pixels} pixels"
            raise ValueError(message)
        self._pixel = np.ascontiguousarray(pixel, np.int64)
        self._weight = np.ascontiguousarray(weight)
        self._bounds = np.ascontiguousarray(bounds, np.int64)
        self._exact = self._fits()

    def _fits(self) -> bool:
        """Whether integers of any content give sums that fit 64 bit."""
        dtype, weight = self.frame_dtype, self._weight
        if dtype.kind not in "bui" or weight.dtype.kind not in "bui":
            return False
        if dtype.kind == "b":
            largest = 1
        else:
            largest = max(abs(int(np.iinfo(dtype).min)), int(np.iinfo(dtype).max))
        heaviest = max(abs(int(weight.min())), int(weight.max())) if weight.size else 0
        return bool(largest * heaviest * max(1, int(np.diff(self._bounds).max(initial=0))) < 2**63)

    def apply(self, tile: NDArray[Any]) -> NDArray[Any]:
        """The dot product of every frame with every mask.

        Parameters
        ----------
        tile : ndarray of the promised dtype, shape (n,) + sig
            Frames.

        Returns
        -------
        ndarray, shape (n, m)
            int64 and exact for integer frames and masks whose sums fit it; else float64 or
            complex128, added up in the order of the pixels.
        """
        rows = as_rows(tile)
        if rows.shape[1] != self.pixels or rows.dtype != self.frame_dtype:
            message = (
                f"masks prepared for {self.pixels} pixels of {self.frame_dtype} "
                f"cannot be applied to {rows.shape[1]} pixels of {rows.dtype}"
            )
            raise ValueError(message)
        if rows.dtype == np.bool_:
            rows = rows.view(np.uint8)
        if not is_supported(rows.dtype):
            return self._plainly(rows)
        if self._weight.dtype.kind == "c":
            out = np.empty((len(rows), self._bounds.size - 1), np.complex128)
            out.real = self._sums(rows, self._weight.real, np.dtype(np.float64))
            out.imag = self._sums(rows, self._weight.imag, np.dtype(np.float64))
            return out
        return self._sums(rows, self._weight, np.dtype(np.int64 if self._exact else np.float64))

    def _sums(self, rows: NDArray[Any], weight: NDArray[Any], wide: np.dtype[Any]) -> NDArray[Any]:
        out = np.zeros((len(rows), self._bounds.size - 1), wide)
        _gather(rows, self._pixel, np.ascontiguousarray(weight, wide), self._bounds, out)
        return out

    def _plainly(self, rows: NDArray[Any]) -> NDArray[Any]:
        joined = np.result_type(rows.dtype, self._weight.dtype)
        wide: np.dtype[Any] = np.dtype(np.complex128 if joined.kind == "c" else np.float64)
        if self._exact:
            wide = np.dtype(np.int64)
        out = np.zeros((len(rows), self._bounds.size - 1), wide)
        weight = self._weight.astype(wide)
        for f, row in enumerate(rows):
            products = row[self._pixel].astype(wide) * weight
            for k in range(out.shape[1]):
                out[f, k] = products[self._bounds[k] : self._bounds[k + 1]].sum()
        return out
