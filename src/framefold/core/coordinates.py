"""Matrices on column vectors (y, x): how a scan or a detector is scaled, turned and flipped.

y points down, x to the right; a positive angle turns vectors clockwise as seen on the screen.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.errors import ParameterError

Matrix = NDArray[np.float64]


def scale(factor: float) -> Matrix:
    """Stretch both axes.

    Parameters
    ----------
    factor : float
        By how much.
    """
    return np.eye(2) * float(factor)


def rotate(radians: float) -> Matrix:
    """Turn.

    Parameters
    ----------
    radians : float
        By how much [rad].
    """
    cosine, sine = math.cos(radians), math.sin(radians)
    return np.array([(cosine, sine), (-sine, cosine)])


def rotate_deg(degrees: float) -> Matrix:
    """Turn.

    Parameters
    ----------
    degrees : float
        By how much [degrees].
    """
    return rotate(math.radians(degrees))


def flip_y() -> Matrix:
    """Turn y around."""
    return np.array([(-1.0, 0.0), (0.0, 1.0)])


def flip_x() -> Matrix:
    """Turn x around."""
    return np.array([(1.0, 0.0), (0.0, -1.0)])


def identity() -> Matrix:
    """Leave everything as it is."""
    return np.eye(2)


def scale_rotate_flip_y(mat: ArrayLike) -> tuple[float, float, bool]:
    """Take a matrix apart: ``mat == scale(s) @ rotate(a) @ flip_y()``, the last where it flips.

    Parameters
    ----------
    mat : array-like, shape (2, 2)

    Returns
    -------
    scale : float
    angle : float
        [rad], from -pi to pi.
    flip : bool

    Raises
    ------
    ParameterError
        If it scales the axes differently or shears; a ValueError.
    """
    matrix = np.asarray(mat, dtype=np.float64)
    y, x = np.linalg.norm(matrix[:, 0]), np.linalg.norm(matrix[:, 1])
    if not np.allclose(y, x):
        raise ParameterError(f"the matrix scales y by {y:.6g} and x by {x:.6g}, not both alike")
    if not np.allclose(matrix[:, 0] @ matrix[:, 1], 0.0, atol=1e-8 * max(1.0, float(y * x))):
        raise ParameterError("the matrix shears: its columns are not at right angles")
    flipped = bool(np.linalg.det(matrix) < 0)
    turned = (matrix @ flip_y() if flipped else matrix) / y
    return float(y), math.atan2(turned[0, 1], turned[0, 0]), flipped
