"""Regions of a detector in polar coordinates: rings in bins, templates that add up to zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.analyses.sparse_stack import SparseStack

# below this part of the detector in a bin, bins are handed out sparse
_SPARSE_BELOW = 0.05


def polar_map(
    centerX: float,  # noqa: N803 - the names UDF authors know
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    stretchY: float = 1.0,  # noqa: N803
    angle: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance and direction of every pixel from a centre.

    Parameters
    ----------
    centerX, centerY : float
        Centre [pixels].
    imageSizeX, imageSizeY : int
        Detector size [pixels].
    stretchY : float
        How much longer than the other the y axis of an ellipse is that is to become a circle.
    angle : float
        By how much this ellipse is turned [rad].

    Returns
    -------
    r : ndarray of float64, shape (imageSizeY, imageSizeX)
        [pixels]
    phi : ndarray of float64, same shape
        [rad], 0 along positive x, growing towards positive y.
    """
    y, x = np.mgrid[:imageSizeY, :imageSizeX].astype(np.float64)
    dy, dx = y - centerY, x - centerX
    if angle:
        cos, sin = math.cos(angle), math.sin(angle)
        dy, dx = cos * dy - sin * dx, cos * dx + sin * dy
    dy = dy / stretchY
    return np.hypot(dy, dx), np.arctan2(dy, dx)


def bounding_radius(
    centerX: float,  # noqa: N803
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
) -> int:
    """A radius that reaches beyond the farthest corner; parameters as in `polar_map` [pixels]."""
    dy = max(centerY, imageSizeY - centerY)
    dx = max(centerX, imageSizeX - centerX)
    return math.ceil(math.hypot(dy, dx)) + 1


def radial_bins(
    centerX: float,  # noqa: N803
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float | None = None,
    radius_inner: float = 0,
    n_bins: int | None = None,
    normalize: bool = False,
    use_sparse: bool | None = None,
    dtype: DTypeLike | None = None,
) -> Any:
    """Rings of equal width, one beside the other, with soft edges.

    Parameters
    ----------
    centerX, centerY : float
        Centre [pixels].
    imageSizeX, imageSizeY : int
        Detector size [pixels].
    radius, radius_inner : float
        Between these [pixels]; the whole detector, and the centre itself, when left out.
    n_bins : int, optional
        How many; rings of about one pixel when left out.
    normalize : bool
        Whether the weights of each ring add up to 1.
    use_sparse : bool, optional
        Whether to return a ``sparse.COO``. When left out, if the rings are many, each less than a
        twentieth of the detector, and the package is there.
    dtype : dtype-like, optional
        float64 when left out.

    Returns
    -------
    ndarray or sparse.COO, shape (n_bins, imageSizeY, imageSizeX)

    Raises
    ------
    ImportError
        If ``use_sparse`` is True and the package sparse is not there.
    """
    size = (centerX, centerY, imageSizeX, imageSizeY)
    outer = bounding_radius(*size) if radius is None else radius
    count = max(1, round(outer - radius_inner)) if n_bins is None else n_bins
    width = (outer - radius_inner) / count
    distance, _ = polar_map(*size)
    centres = radius_inner + (np.arange(count) + 0.5) * width
    away = np.abs(distance - centres[:, np.newaxis, np.newaxis])
    bins = np.clip(width / 2 + 0.5 - away, 0.0, 1.0)
    y, x = int(centerY), int(centerX)
    if radius_inner < 0.5 and 0 <= y < imageSizeY and 0 <= x < imageSizeX:
        bins[0, y, x] = 1 - radius_inner  # all of it lies between radius_inner and the next ring
    if normalize:
        sums = bins.sum(axis=(1, 2), keepdims=True)
        np.divide(bins, sums, out=bins, where=sums > 0)
    bins = bins.astype(np.float64 if dtype is None else dtype)
    part = math.pi * (outer**2 - radius_inner**2) / count / (imageSizeX * imageSizeY)
    if use_sparse or (use_sparse is None and part < _SPARSE_BELOW):
        try:
            return SparseStack.of(bins).as_pydata()
        except ImportError:
            if use_sparse:
                raise
    return bins


def radial_gradient_background_subtraction(
    r: NDArray[Any], r0: float, r_outer: float, delta: float = 1
) -> NDArray[np.float64]:
    """A template for disks: grows towards the rim, falls to -1 across it, and stays there.

    Parameters
    ----------
    r : ndarray
        Distances, for instance from `polar_map` [pixels].
    r0 : float
        Radius of the disk [pixels].
    r_outer : float
        Where the template ends; it is zero beyond [pixels].
    delta : float
        Width of the rim [pixels]. Weights are ``r / r0`` before it, from 1 to -1 within it.

    Returns
    -------
    ndarray of float64, same shape
    """
    distance = np.asarray(r, np.float64)
    falling = np.clip((r0 - distance) / (delta / 2), -1.0, 1.0)
    template = np.where(distance < r0 - delta / 2, distance / r0, falling)
    return np.asarray(np.where(distance <= r_outer, template, 0.0))


def balance(template: NDArray[Any]) -> NDArray[Any]:
    """The template with its negative weights scaled so that all weights add up to zero.

    Unchanged if there are no negative weights.
    """
    array = np.asarray(template)
    positive = array[array > 0].sum()
    negative = array[array < 0].sum()
    if negative == 0:
        return array.copy()
    return np.asarray(np.where(array < 0, array * (-positive / negative), array))
