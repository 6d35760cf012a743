"""Vectors and lattices on a detector, (y, x) and (r, phi), under LiberTEM's names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.errors import ShapeError


def make_polar(cartesian: ArrayLike) -> NDArray[Any]:
    """``(r, phi)`` [pixels, radians] of ``(y, x)`` on the last axis; phi 0 lies along x."""
    y, x = np.moveaxis(np.asarray(cartesian, dtype=np.float64), -1, 0)
    return np.stack((np.hypot(y, x), np.arctan2(y, x)), axis=-1)


def make_cartesian(polar: ArrayLike) -> NDArray[Any]:
    """``(y, x)`` of ``(r, phi)`` on the last axis; the inverse of `make_polar`."""
    r, phi = np.moveaxis(np.asarray(polar, dtype=np.float64), -1, 0)
    return np.stack((r * np.sin(phi), r * np.cos(phi)), axis=-1)


def rotate_rad(y: Any, x: Any, radians: float) -> tuple[Any, Any]:
    """A vector turned from x towards y.

    Returns
    -------
    (y, x)
    """
    return rotate_precalc(y, x, float(np.cos(radians)), float(np.sin(radians)))


def rotate_precalc(y: Any, x: Any, cos_angle: float, sin_angle: float) -> tuple[Any, Any]:
    """`rotate_rad` by an angle whose cosine and sine are at hand."""
    return y * cos_angle + x * sin_angle, -y * sin_angle + x * cos_angle


def rotate_deg(y: Any, x: Any, degrees: float) -> tuple[Any, Any]:
    """`rotate_rad` by degrees."""
    return rotate_rad(y, x, float(np.deg2rad(degrees)))


def calc_coords(zero: ArrayLike, a: ArrayLike, b: ArrayLike, indices: ArrayLike) -> NDArray[Any]:
    """Positions of lattice points.

    Parameters
    ----------
    zero, a, b : array-like, shape (2,)
        Origin and lattice vectors, (y, x) [pixels].
    indices : array-like, shape (n, 2)
        How many steps along ``a`` and ``b``.

    Returns
    -------
    ndarray, shape (n, 2)
        (y, x) [pixels]
    """
    vectors = np.stack((np.asarray(a), np.asarray(b)))
    return np.asarray(np.asarray(zero) + np.asarray(indices) @ vectors)


def within_frame(peaks: ArrayLike, r: float, fy: float, fx: float) -> NDArray[np.bool_]:
    """Which positions are at least ``r`` away from the border of a frame of ``(fy, fx)``."""
    y, x = np.moveaxis(np.asarray(peaks), -1, 0)
    return np.asarray((y >= r) & (y < fy - r) & (x >= r) & (x < fx - r))


def regularize_indices(indices: ArrayLike) -> NDArray[Any]:
    """Steps along two lattice vectors as a list, whether as a list or as ``np.mgrid`` gives them.

    Parameters
    ----------
    indices : array-like, shape (n, 2) or (2, h, w)

    Returns
    -------
    ndarray, shape (n, 2)
        Of a grid with the steps along the first vector running fastest.

    Raises
    ------
    ShapeError
        If they have another shape.
    """
    steps = np.asarray(indices)
    if steps.ndim == 3 and len(steps) == 2:
        return steps.T.reshape(-1, 2)
    if steps.ndim == 2 and steps.shape[1] == 2:
        return steps
    raise ShapeError(f"indices of shape {steps.shape}: give (n, 2), or (2, h, w) as np.mgrid does")


def frame_peaks(
    fy: float,
    fx: float,
    zero: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    r: float,
    indices: ArrayLike,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lattice points that lie well within a frame; ``indices`` as in `regularize_indices`.

    Returns
    -------
    (ndarray, ndarray), both of shape (n, 2)
        Their indices, and their positions (y, x) [pixels].
    """
    steps = regularize_indices(indices)
    positions = calc_coords(zero, a, b, steps)
    inside = within_frame(positions, r, fy, fx)
    return steps[inside], positions[inside]
