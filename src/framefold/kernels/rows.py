"""Frames as rows of pixels: the one array layout that every kernel takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# pixel dtype -> the dtype in which a short run of pixels is added up in registers. 2**15
# pixels, or 2**16 frames, of any value fit it; the kernels widen to 64 bit after that many.
_PARTIAL = {
    "u1": "u4",
    "u2": "u4",
    "u4": "u8",
    "i1": "i4",
    "i2": "i4",
    "i4": "i8",
    "f4": "f8",
    "f8": "f8",
}


def is_supported(dtype: DTypeLike) -> bool:
    """Whether the compiled kernels take this pixel dtype; numpy does the work otherwise."""
    dtype = np.dtype(dtype)
    return dtype.isnative and dtype.str[1:] in _PARTIAL


def partial_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype of partial sums over at most 2**15 pixels or 2**16 frames of ``dtype``."""
    return np.dtype(_PARTIAL[np.dtype(dtype).str[1:]])


def accumulator_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype in which sums of ``dtype`` are kept: 64 bit, integers exact.

    Parameters
    ----------
    dtype : dtype-like
        dtype of the pixels.

    Returns
    -------
    numpy.dtype
        uint64 for bool and unsigned integers, int64 for signed ones, float64 for floats,
        complex128 for complex.

    Raises
    ------
    TypeError
        If ``dtype`` is not numeric.
    """
    dtype = np.dtype(dtype)
    wide = {"b": np.uint64, "u": np.uint64, "i": np.int64, "f": np.float64, "c": np.complex128}
    if dtype.kind not in wide:
        message = f"cannot add up pixels of dtype {dtype}; use a numeric dtype"
        raise TypeError(message)
    return np.dtype(wide[dtype.kind])


def as_rows(tile: NDArray[Any]) -> NDArray[Any]:
    """A tile of frames with each frame as one row of pixels.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        Frames; copied only if they are not C-contiguous.

    Returns
    -------
    ndarray, shape (n, pixels), C-contiguous
        A read-only view of ``tile``, or of its copy. Read-only always, so that one compiled
        kernel serves tiles that may be written to and tiles that may not.
    """
    # -1 would be ambiguous for a tile without frames
    rows = np.ascontiguousarray(tile).reshape(len(tile), math.prod(tile.shape[1:]))
    rows.flags.writeable = False
    return rows
