"""Boxes around and inside of what is True, and reshaping that never copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def reshaped_view(arr: NDArray[Any], shape: int | tuple[int, ...]) -> NDArray[Any]:
    """The same memory in another shape.

    Raises
    ------
    AttributeError
        If that would need a copy.
    """
    result = arr.reshape(shape)
    if result.size and not np.may_share_memory(result, arr):
        raise AttributeError(
            f"an array of shape {arr.shape} and strides {arr.strides} has no view of shape {shape}"
        )
    return result


def get_bbox(arr: NDArray[Any]) -> tuple[int, ...]:
    """First and last index along each axis of what is not zero.

    Returns
    -------
    tuple of int
        ``(first, last, first, last, ...)``, one pair an axis, last included; ``0, -1`` for
        each axis when everything is zero.
    """
    filled = arr.astype(bool, copy=False)
    box: list[int] = []
    for axis in range(filled.ndim):
        others = tuple(a for a in range(filled.ndim) if a != axis)
        found = np.flatnonzero(np.asarray(filled.any(axis=others)))
        box += [int(found[0]), int(found[-1])] if found.size else [0, -1]
    return tuple(box)


def get_bbox_slice(arr: NDArray[Any]) -> tuple[slice, ...]:
    """The smallest box that holds everything that is not zero, as an index."""
    box = get_bbox(arr)
    return tuple(slice(a, b + 1) for a, b in zip(box[::2], box[1::2], strict=True))


def get_inner_slice(arr: NDArray[Any], axis: int = 0) -> tuple[slice, ...]:
    """The first run along an axis in which nothing is zero, as an index.

    Returns
    -------
    tuple of slice
        ``slice(None)`` along the other axes; ``slice(0, 0)`` along ``axis`` if there is none.
    """
    filled = arr.astype(bool, copy=False)
    axis %= filled.ndim
    others = tuple(a for a in range(filled.ndim) if a != axis)
    good = np.asarray(filled.all(axis=others))
    found = np.flatnonzero(good)
    inner = slice(0, 0)
    if found.size:
        first = int(found[0])
        ends = np.flatnonzero(~good[first:])
        inner = slice(first, first + int(ends[0]) if ends.size else len(good))
    return tuple(inner if a == axis else slice(None) for a in range(filled.ndim))
