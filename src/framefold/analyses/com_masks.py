"""Masks whose dot products with a frame give its centre of mass, for UDFs of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.analyses.detector_masks import circular, gradient_x, gradient_y

Factory = Callable[[], NDArray[Any]]


def com_masks_factory(
    detector_y: int, detector_x: int, cy: float, cx: float, r: float
) -> list[Factory]:
    """Factories of three masks: a disk, and its rows and columns as weights.

    Parameters
    ----------
    detector_y, detector_x : int
        Detector size [pixels].
    cy, cx : float
        Centre of the disk [pixels].
    r : float
        Its radius [pixels].

    Returns
    -------
    list of callables
        As `com_masks_generic` gives them.
    """

    def disk() -> NDArray[Any]:
        return circular(cx, cy, detector_x, detector_y, r)

    return com_masks_generic(detector_y, detector_x, disk)


def com_masks_generic(
    detector_y: int, detector_x: int, base_mask_factory: Factory
) -> list[Factory]:
    """Factories of three masks: any region, and its rows and columns as weights.

    Parameters
    ----------
    detector_y, detector_x : int
        Detector size [pixels].
    base_mask_factory : callable
        Returns the region, shape (detector_y, detector_x).

    Returns
    -------
    list of callables
        Returning the region itself; the region times each pixel's row number; the region times
        its column number; the latter two float32 unless the region is wider.
    """

    def along_y() -> NDArray[Any]:
        return np.asarray(base_mask_factory() * gradient_y(detector_x, detector_y))

    def along_x() -> NDArray[Any]:
        return np.asarray(base_mask_factory() * gradient_x(detector_x, detector_y))

    return [base_mask_factory, along_y, along_x]


def center_shifts(
    img_sum: ArrayLike, img_y: ArrayLike, img_x: ArrayLike, ref_y: float, ref_x: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """How far centres of mass are off a reference, from the dot products with three masks.

    Parameters
    ----------
    img_sum, img_y, img_x : array-like, same shape
        Products of each frame with the masks of `com_masks_generic`.
    ref_y, ref_x : float
        Reference point [pixels].

    Returns
    -------
    y, x : ndarray
        [pixels]; zero where ``img_sum`` is.
    """
    total = np.asarray(img_sum)
    shifts = []
    for moment, reference in ((np.asarray(img_y), ref_y), (np.asarray(img_x), ref_x)):
        dtype = np.result_type(moment, total, np.float32)
        centre = np.full(total.shape, reference, dtype)
        np.divide(moment, total, out=centre, where=total != 0)
        shifts.append(np.asarray(centre - dtype.type(reference)))
    return shifts[0], shifts[1]
