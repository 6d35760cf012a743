"""Regions of a detector as arrays: disks, rings, rectangles and gradients.

Coordinates are those of pixel centres, which lie on whole numbers; sizes come as in the names,
x before y, because UDF authors know the functions that way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def squared_distance(sig_shape: tuple[int, int], cy: float, cx: float) -> NDArray[np.float64]:
    """Squared distance of every pixel from a point.

    Parameters
    ----------
    sig_shape : tuple of int
        Detector shape (rows, columns).
    cy, cx : float
        The point [pixels].

    Returns
    -------
    ndarray of float64, shape sig_shape
        [pixels squared]
    """
    y, x = np.ogrid[: sig_shape[0], : sig_shape[1]]
    return np.asarray((y - cy) ** 2 + (x - cx) ** 2, np.float64)


def circular(
    centerX: float,  # noqa: N803 - the names UDF authors know
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float,
    antialiased: bool = False,
) -> NDArray[Any]:
    """A disk: pixels no farther than ``radius`` from the centre.

    Parameters
    ----------
    centerX, centerY : float
        Centre [pixels].
    imageSizeX, imageSizeY : int
        Detector size [pixels].
    radius : float
        [pixels]
    antialiased : bool
        Whether pixels at the rim get a weight that falls from 1 to 0 over one pixel.

    Returns
    -------
    ndarray of bool, or of float64 if antialiased, shape (imageSizeY, imageSizeX)
    """
    squared = squared_distance((imageSizeY, imageSizeX), centerY, centerX)
    if antialiased:
        return np.asarray(np.clip(radius + 0.5 - np.sqrt(squared), 0.0, 1.0))
    return np.asarray(squared <= radius**2)


def ring(
    centerX: float,  # noqa: N803
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float,
    radius_inner: float,
    antialiased: bool = False,
) -> NDArray[Any]:
    """A disk without the smaller disk of ``radius_inner``; parameters as in `circular`.

    A pixel exactly at ``radius_inner`` belongs to the smaller disk, hence not to the ring.
    """
    size = (centerX, centerY, imageSizeX, imageSizeY)
    outer = circular(*size, radius, antialiased)
    inner = circular(*size, radius_inner, antialiased)
    return np.asarray(outer - inner if antialiased else outer & ~inner)


def rectangular(
    X: int,  # noqa: N803
    Y: int,  # noqa: N803
    Width: int,  # noqa: N803
    Height: int,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
) -> NDArray[np.bool_]:
    """A rectangle from corner (X, Y) to corner (X + Width, Y + Height), both corners inside.

    Parameters
    ----------
    X, Y : int
        A corner [pixels].
    Width, Height : int
        Distance to the opposite corner [pixels]; may be negative.
    imageSizeX, imageSizeY : int
        Detector size [pixels].

    Returns
    -------
    ndarray of bool, shape (imageSizeY, imageSizeX)
        Without any pixel if a distance is 0.
    """
    if Width == 0 or Height == 0:
        return np.zeros((imageSizeY, imageSizeX), np.bool_)
    y, x = np.ogrid[:imageSizeY, :imageSizeX]
    within_x = (x >= min(X, X + Width)) & (x <= max(X, X + Width))
    within_y = (y >= min(Y, Y + Height)) & (y <= max(Y, Y + Height))
    return np.asarray(within_y & within_x)


def radial_gradient(
    centerX: float,  # noqa: N803
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float,
    antialiased: bool = False,
) -> NDArray[np.float64]:
    """A disk whose weight rises from 0 in the centre to 1 at the rim; parameters as `circular`."""
    squared = squared_distance((imageSizeY, imageSizeX), centerY, centerX)
    disk = circular(centerX, centerY, imageSizeX, imageSizeY, radius, antialiased)
    return np.asarray(disk * np.minimum(np.sqrt(squared) / radius, 1.0))


def background_subtraction(
    centerX: float,  # noqa: N803
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float,
    radius_inner: float,
    antialiased: bool = False,
) -> NDArray[np.float64]:
    """A disk of ``radius_inner`` less the mean in the ring around it; parameters as `ring`.

    Returns
    -------
    ndarray of float64, shape (imageSizeY, imageSizeX)
        Its weights add up to zero: a flat background gives nothing.
    """
    size = (centerX, centerY, imageSizeX, imageSizeY)
    disk = circular(*size, radius_inner, antialiased).astype(np.float64)
    around = ring(*size, radius, radius_inner, antialiased).astype(np.float64)
    total = around.sum()
    return np.asarray(disk - around * (disk.sum() / total if total else 0.0))


def gradient_x(
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Each pixel's column number, shape (imageSizeY, imageSizeX)."""
    return np.tile(np.arange(imageSizeX, dtype=dtype), (imageSizeY, 1))


def gradient_y(
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Each pixel's row number, shape (imageSizeY, imageSizeX)."""
    return np.repeat(np.arange(imageSizeY, dtype=dtype)[:, np.newaxis], imageSizeX, axis=1)


# an older name that UDF authors import
_make_circular_mask = circular
