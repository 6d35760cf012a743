"""Dot products of frames with a stack of masks, by the fastest way that keeps the promise.

The promise: what a frame gives depends on that frame and the masks alone, never on the other
frames of the call. (A BLAS product does not keep it: its blocking follows the frame count.)
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.kernels.dots import dots, pad_masks
from framefold.kernels.rows import as_rows, is_supported
from framefold.kernels.runs import Runs, find_runs, run_sums

Way = Literal["runs", "dense", "complex", "plain"]
# below this many pixels per run, starting runs costs more than multiplying every pixel
_WORTHWHILE_RUN = 16


class PackedMasks:
    """A stack of masks prepared once for frames of one dtype, and applied to any number of tiles.

    Parameters
    ----------
    masks : array-like, shape (m,) + sig or (m, pixels)
        Weights: bool, integers, floats or complex.
    dtype : dtype-like
        dtype of the frames to come.

    Notes
    -----
    ``way`` says how, ``dtype`` of the result follows:

    ========= ============================================ =====================================
    way       taken for                                    result
    ========= ============================================ =====================================
    runs      integer frames, bool or integer masks        int64, exact
    dense     integer frames, ragged integer masks whose   float64, exact
              sums stay below 2**53
    dense     real frames and masks else                   float64; summed in the precision of
                                                           ``result_type(frames, masks, float32)``
    complex   real frames, complex masks                   complex128, as two dense stacks
    plain     other dtypes (complex frames, 64-bit         numpy, frame by frame
              integers, float16)
    ========= ============================================ =====================================
    """

    def __init__(self, masks: NDArray[Any], dtype: DTypeLike) -> None:
        stack = np.asarray(masks)
        flat = stack.reshape(len(stack), int(np.prod(stack.shape[1:])))
        self.frame_dtype = np.dtype(dtype)
        self.pixels = flat.shape[1]
        self._runs: Runs | None = None
        self._masks: NDArray[Any] = flat
        # one byte a pixel either way, and bytes have kernels
        pixel = np.dtype(np.uint8) if self.frame_dtype == np.bool_ else self.frame_dtype
        self.way: Way = self._choose(flat, pixel)

    def _choose(self, flat: NDArray[Any], pixel: np.dtype[Any]) -> Way:
        compute = np.result_type(pixel, flat.dtype, np.float32)
        if not is_supported(pixel) or flat.dtype.kind not in "buifc":
            return "plain"
        if compute.kind == "c":
            real = np.float32 if compute == np.complex64 else np.float64
            parts = np.concatenate([flat.real, flat.imag])
            self._masks = pad_masks(parts, np.dtype(real))
            return "complex"
        if flat.dtype.kind in "bui" and pixel.kind in "ui":
            largest = max(abs(int(np.iinfo(pixel).min)), int(np.iinfo(pixel).max))
            bound = largest * max((_weight(mask) for mask in flat), default=0)
            runs = find_runs(flat) if bound < 2**63 else None
            if runs and (runs.mean_length >= _WORTHWHILE_RUN or bound >= 2**53):
                self._runs = runs
                return "runs"
            compute = np.dtype(np.float64)
        if compute not in (np.float32, np.float64):
            return "plain"
        self._masks = pad_masks(flat, compute)
        return "dense"

    def apply(self, tile: NDArray[Any]) -> NDArray[Any]:
        """The dot product of every frame with every mask.

        Parameters
        ----------
        tile : ndarray of the promised dtype, shape (n,) + sig
            Frames.

        Returns
        -------
        ndarray of int64, float64 or complex128, shape (n, m)
        """
        rows = as_rows(tile)
        if rows.shape[1] != self.pixels or rows.dtype != self.frame_dtype:
            message = (
                f"masks packed for {self.pixels} pixels of {self.frame_dtype} "
                f"cannot be applied to {rows.shape[1]} pixels of {rows.dtype}"
            )
            raise ValueError(message)
        if self.way == "plain":
            return apply_plainly(rows, self._masks)
        if rows.dtype == np.bool_:
            rows = rows.view(np.uint8)
        if self._runs is not None:
            return run_sums(rows, self._runs)
        found = dots(rows, self._masks)
        if self.way == "complex":
            half = found.shape[1] // 2
            values = np.empty((len(found), half), np.complex128)
            values.real, values.imag = found[:, :half], found[:, half:]
            return values
        return found


def apply_plainly(rows: NDArray[Any], masks: NDArray[Any]) -> NDArray[Any]:
    """The same in numpy, one frame and mask at a time, for every numeric dtype.

    Parameters
    ----------
    rows : ndarray, shape (n, pixels)
        Frames.
    masks : ndarray, shape (m, pixels)
        Weights.

    Returns
    -------
    ndarray, shape (n, m)
        The 64-bit (128-bit if complex) dtype of the kind that frames and masks have together.
    """
    joined = np.result_type(rows.dtype, masks.dtype)
    wide = np.result_type(joined, {"f": np.float64, "c": np.complex128}.get(joined.kind, np.int64))
    out = np.zeros((len(rows), len(masks)), wide)
    for f, row in enumerate(rows):
        for m, mask in enumerate(masks):
            out[f, m] = np.multiply(row, mask, dtype=wide).sum()
    return out


def _weight(mask: NDArray[Any]) -> int:
    """The sum of a mask's absolute weights, at least as large as it is."""
    if mask.dtype.kind == "b":
        return int(np.count_nonzero(mask))
    low, high = (int(mask.min()), int(mask.max())) if mask.size else (0, 0)
    return max(abs(low), abs(high)) * mask.size


def warm(dtype: np.dtype[Any]) -> None:
    """Compile, or load from the cache, what frames of ``dtype`` need."""
    tile = np.zeros((1, 64), dtype)
    for weights in (np.bool_, np.float32, np.float64):
        PackedMasks(np.ones((1, 64), weights), dtype).apply(tile)
