"""Detector regions by a few numbers, kept ready for the kernels between partitions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.detector_masks import squared_distance
from framefold.core.encoded_tile import region_bits
from framefold.kernels.masks import PackedMasks
from framefold.kernels.moments import RegionMoments

# a run has a handful of regions, and two runs may share a worker
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Annulus:
    """Pixels whose centre lies between two circles.

    Parameters
    ----------
    cy, cx : float
        Centre [pixels].
    outer, inner : float
        Radii [pixels]; pixels at exactly ``outer`` are in.
    with_inner : bool
        Whether pixels at exactly ``inner`` are in.
    """

    cy: float
    cx: float
    outer: float
    inner: float = 0.0
    with_inner: bool = True

    def mask(self, sig_shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The pixels inside, shape sig_shape."""
        squared = squared_distance(sig_shape, self.cy, self.cx)
        inside = squared <= self.outer**2
        if self.with_inner:
            return np.asarray(inside & (squared >= self.inner**2))
        return np.asarray(inside & (squared > self.inner**2))


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels from ``centre - size / 2``, inclusive, to ``centre + size / 2``, exclusive.

    Parameters
    ----------
    cy, cx : float
        Centre [pixels].
    height, width : float
        Size [pixels]; a whole number gives that many rows or columns.
    """

    cy: float
    cx: float
    height: float
    width: float

    def mask(self, sig_shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The pixels inside, shape sig_shape."""
        y, x = np.ogrid[: sig_shape[0], : sig_shape[1]]
        inside_y = (y >= self.cy - self.height / 2) & (y < self.cy + self.height / 2)
        inside_x = (x >= self.cx - self.width / 2) & (x < self.cx + self.width / 2)
        return np.asarray(inside_y & inside_x)


Region = Annulus | Rectangle


@lru_cache(maxsize=_KEPT)
def _mask(region: Region, sig_shape: tuple[int, int], box: tuple[int, ...]) -> NDArray[np.bool_]:
    y, x, height, width = box
    return region.mask(sig_shape)[y : y + height, x : x + width]


@lru_cache(maxsize=_KEPT)
def region_sums(
    region: Region, sig_shape: tuple[int, int], box: tuple[int, ...], dtype: np.dtype[Any]
) -> PackedMasks:
    """The kernel that adds up a region's pixels in tiles showing one box of the detector.

    Parameters
    ----------
    region : Annulus or Rectangle
        Which pixels.
    sig_shape : tuple of int
        Detector shape.
    box : tuple of int
        First row and column that tiles show, and their height and width.
    dtype : numpy.dtype
        Of the frames.
    """
    mask = _mask(region, sig_shape, box)
    # float64 for floats: a detector that only adds up has no reason to lose digits
    weights = mask if dtype.kind in "bui" else mask.astype(np.float64)
    return PackedMasks(weights[np.newaxis], dtype)


@lru_cache(maxsize=_KEPT)
def region_moments(
    region: Region, sig_shape: tuple[int, int], box: tuple[int, ...], dtype: np.dtype[Any]
) -> RegionMoments:
    """The kernel for total and first moments; parameters as in `region_sums`."""
    return RegionMoments(_mask(region, sig_shape, box), dtype)


@lru_cache(maxsize=_KEPT)
def region_plane(region: Region, sig_shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A region as `EncodedTile` takes it; parameters as in `region_sums`."""
    return region_bits(region.mask(sig_shape))
