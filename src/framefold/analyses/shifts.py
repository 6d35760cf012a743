"""Shifts: how far the pattern has wandered on the detector, for all frames or for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.analyses.numbers import check_point
from framefold.errors import ParameterError, ShapeError
from framefold.udf import UDF, AuxData


def as_shifts(given: Any) -> tuple[float, float] | AuxData | None:
    """Shifts as parameters of a UDF; what has gone through it comes back as it is.

    Parameters
    ----------
    given : sequence of two numbers, array-like of shape nav + (2,), aux data, or None
        dy and dx [pixels], for all frames or for each scan position.

    Raises
    ------
    ParameterError
        If these are not pairs of finite numbers.
    """
    if given is None:
        return None
    if isinstance(given, AuxData):
        if given.kind != "nav" or given.extra_shape != (2,):
            raise ParameterError(
                f"shifts are aux data of kind={given.kind!r} and extra_shape="
                f"{given.extra_shape}; give kind='nav' and extra_shape=(2,)"
            )
        return given  # unread: this runs again for each partition
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"shifts={given!r} must be numbers, y before x") from error
    if values.ndim < 2:
        check_point("shifts", given)
        return float(values[0]), float(values[1])
    if values.shape[-1] != 2:
        raise ParameterError(f"shifts have shape {values.shape}; the last axis must be y and x")
    if not np.isfinite(values).all():
        raise ParameterError("shifts must be finite numbers; some are NaN or infinite")
    return UDF.aux_data(values, "nav", (2,), np.float64)


def check_axes(sig_shape: tuple[int, ...]) -> None:
    """Refuse frames of other than two axes.

    Raises
    ------
    ShapeError
        Naming their shape.
    """
    if len(sig_shape) != 2:
        raise ShapeError(f"shifts need frames of rows and columns, these are {sig_shape}")


def move_back(
    tile: NDArray[Any],
    origin: tuple[int, ...],
    sig_shape: tuple[int, ...],
    shifts: ArrayLike,
) -> NDArray[Any]:
    """Frames as they would be had the pattern not wandered.

    Parameters
    ----------
    tile : ndarray, shape (n, h, w)
        Frames, or a box of them.
    origin : tuple of int
        First row and column of the box on the detector.
    sig_shape : tuple of int
        Of the detector.
    shifts : array-like, shape (2,) or (n, 2)
        dy and dx [pixels]; fractions are cut off.

    Returns
    -------
    ndarray of the tile's dtype, shape (n,) + sig_shape
        What was at (y + dy, x + dx) is at (y, x); zero where nothing comes from.

    Raises
    ------
    ShapeError
        If frames have other than two axes.
    """
    check_axes(sig_shape)
    moved = np.zeros((len(tile), *sig_shape), tile.dtype)
    whole = np.broadcast_to(np.trunc(np.asarray(shifts, np.float64)), (len(tile), 2))
    for frame, target, (dy, dx) in zip(tile, moved, whole.tolist(), strict=True):
        rows = _overlap(origin[0], frame.shape[0], sig_shape[0], dy)
        columns = _overlap(origin[1], frame.shape[1], sig_shape[1], dx)
        if rows is not None and columns is not None:
            target[rows[1], columns[1]] = frame[rows[0], columns[0]]
    return moved


def _overlap(first: int, count: int, size: int, shift: float) -> tuple[slice, slice] | None:
    """Where pixels [first, first + count) come from in the box, and where on the detector to."""
    if not abs(shift) < size:  # nor is NaN
        return None
    start = max(0, first - int(shift))
    stop = min(size, first + count - int(shift))
    if start >= stop:
        return None
    back = int(shift) - first
    return slice(start + back, stop + back), slice(start, stop)
