"""Fields of two-component vectors over a scan: rotation, gradients, regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def apply_correction(
    y: ArrayLike,
    x: ArrayLike,
    scan_rotation: float,
    flip_y: bool,
    forward: bool = True,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Turn vectors from the detector's axes to those of the scan.

    Parameters
    ----------
    y, x : array-like, same shape
        Components.
    scan_rotation : float
        Angle [degrees]; positive turns clockwise in a picture with y down and x to the right.
    flip_y : bool
        Whether the detector's y axis points the other way; applied before the rotation.
    forward : bool
        False for the way back, from the scan to the detector.

    Returns
    -------
    y, x : ndarray
    """
    angle = np.deg2rad(scan_rotation)
    cos, sin = np.cos(angle), np.sin(angle)
    along_y: NDArray[Any] = np.asarray(y)
    along_x: NDArray[Any] = np.asarray(x)
    mirror = -1 if flip_y else 1
    if forward:
        along_y = mirror * along_y
        return cos * along_y + sin * along_x, cos * along_x - sin * along_y
    return mirror * (cos * along_y - sin * along_x), sin * along_y + cos * along_x


def gradient(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Slope along an axis by central differences, one-sided at the ends; NaN on an axis of one."""
    if values.shape[axis] < 2:
        return np.full_like(values, np.nan)
    return np.asarray(np.gradient(values, axis=axis))


def divergence(y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Where a field over (rows, columns) has its sources: dy/drow + dx/dcolumn."""
    return np.asarray(gradient(y, 0) + gradient(x, 1))


def curl_2d(y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """How a field over (rows, columns) turns: dy/dcolumn - dx/drow."""
    return np.asarray(gradient(y, 1) - gradient(x, 0))


def magnitude(y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Length of each vector."""
    return np.asarray(np.sqrt(y**2 + x**2))


def has_neighbours(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Positions that are valid together with all their neighbours above, below, left and right.

    Parameters
    ----------
    valid : ndarray of bool, shape (rows, columns)
        Neighbours beyond the edge are not asked for.
    """
    inner = valid.copy()
    inner[1:] &= valid[:-1]
    inner[:-1] &= valid[1:]
    inner[:, 1:] &= valid[:, :-1]
    inner[:, :-1] &= valid[:, 1:]
    return inner


def plane(coefficients: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Two planes over a scan.

    Parameters
    ----------
    coefficients : ndarray, shape (3, 2)
        Rows: constant, per row, per column; columns: component y, component x.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    ndarray of float64, shape + (2,)
    """
    rows, columns = np.indices(shape, dtype=np.float64)
    terms = np.stack([np.ones(shape), rows, columns], axis=-1)
    return np.asarray(terms @ coefficients)


def fit_mean(y: NDArray[Any], x: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """Coefficients for `plane` that are constant: the mean over valid positions."""
    coefficients = np.zeros((3, 2), np.result_type(y, np.float64))
    if valid.any():
        coefficients[0] = y[valid].mean(), x[valid].mean()
    return coefficients


def fit_plane(y: NDArray[Any], x: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """Coefficients for `plane` that fit best over valid positions, by least squares.

    Positions that do not determine a plane (fewer than three, or all in one line) give the
    smallest coefficients that fit.
    """
    if not valid.any():
        return np.zeros((3, 2), np.result_type(y, np.float64))
    rows, columns = np.nonzero(valid)
    terms = np.stack([np.ones(rows.size), rows, columns], axis=1)
    coefficients, *_ = np.linalg.lstsq(terms, np.stack([y[valid], x[valid]], axis=1), rcond=None)
    return np.asarray(coefficients)
