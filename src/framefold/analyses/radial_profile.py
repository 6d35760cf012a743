"""RadialProfileUDF: sum and mean of each frame in rings about a centre."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.detector_masks import squared_distance
from framefold.analyses.numbers import check_count, check_number
from framefold.errors import ParameterError, ShapeError
from framefold.kernels.rings import ring_sums
from framefold.udf import UDF, BufferWrapper


class RadialProfileUDF(UDF):
    """Add up the pixels of each frame in rings about a centre.

    Integer frames are added up exactly and rounded once; floats in float64.

    Results:

    ``sum`` nav (rings,)
        Sum over each ring, float32 for integers up to 16 bit, float64 for wider ones.
    ``mean`` nav (rings,)
        The same per pixel; NaN and not valid in rings without pixels.
    ``pixels`` (rings,), int64
        How many pixels each ring has.
    ``radius`` (rings,), float64
        Inner radius of each ring [pixels].

    Parameters
    ----------
    cy, cx : float, optional
        Centre [pixels]; pixel centres lie on whole numbers. Row and column ``size // 2`` when left
        out.
    n_bins : int, optional
        How many rings of equal width there are between the centre and ``ro``. When left out rings
        are one pixel wide: ring k has the pixels with k <= distance < k + 1.
    ro : float, optional
        Pixels farther than this from the centre do not count, those at exactly this distance
        belong to the last ring [pixels]. All pixels count when left out.

    Raises
    ------
    ParameterError
        If a parameter does not fit.
    ShapeError
        When the run begins, if frames have other than two axes.
    """

    TAKES_HOLES = True

    def __init__(
        self,
        cy: float | None = None,
        cx: float | None = None,
        n_bins: int | None = None,
        ro: float | None = None,
    ) -> None:
        for name, value in (("cy", cy), ("cx", cx), ("ro", ro)):
            if value is not None:
                check_number(name, value)
        if ro is not None and ro <= 0:
            raise ParameterError(f"ro={ro!r} must be positive")
        if n_bins is not None:
            check_count("n_bins", n_bins)
        super().__init__(cy=cy, cx=cx, n_bins=n_bins, ro=ro)

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``sum`` for the user and us; the others follow from it."""
        rings = self._rings()
        dtype = np.result_type(self.meta.input_dtype, np.float32)
        shape = (len(rings.pixels),)
        return {
            "sum": self.buffer("nav", shape, dtype),
            "mean": self.buffer("nav", shape, dtype, use="result_only"),
            "pixels": self.buffer("single", shape, np.int64, use="result_only"),
            "radius": self.buffer("single", shape, np.float64, use="result_only"),
        }

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the run's dtype."""
        self._add_up(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the recorded dtype."""
        self._add_up(tile)

    def merge(self, dest: Any, src: Any) -> None:
        """Put one partition's rows in their place."""
        dest.sum[:] = src.sum

    def get_results(self) -> dict[str, Any]:
        """Sums so far, and what follows from them."""
        rings = self._rings()
        sums = self.results.sum
        there = rings.pixels > 0
        mean = np.full_like(sums, np.nan)
        np.divide(sums, rings.pixels, out=mean, where=there, casting="same_kind")
        valid = self.meta.get_valid_nav_mask()
        merged = np.zeros(len(sums), np.bool_) if valid is None else valid
        return {
            "sum": sums,
            "mean": self.with_mask(mean, merged[:, np.newaxis] & there),
            "pixels": rings.pixels,
            "radius": rings.radius,
        }

    def _add_up(self, tile: NDArray[Any]) -> None:
        rings = self._rings()
        cell = rings.number[self.meta.sig_slice.get(sig_only=True)]
        self.results.sum[:] += ring_sums(tile, cell, len(rings.pixels))

    def _rings(self) -> Rings:
        sig = tuple(self.meta.dataset_shape.sig)
        if len(sig) != 2:
            raise ShapeError(f"radial profiles need frames of rows and columns, these are {sig}")
        given = self.params
        cy = sig[0] // 2 if given.cy is None else given.cy
        cx = sig[1] // 2 if given.cx is None else given.cx
        return _find_rings(sig, float(cy), float(cx), given.n_bins, given.ro)


class Rings:
    """Which ring each pixel of a detector is in.

    Parameters
    ----------
    distance : ndarray of float64, shape sig
        Of each pixel from the centre [pixels].
    radius : ndarray of float64, shape (rings,)
        Inner radius of each ring, ascending from 0 [pixels].
    outer : float
        Pixels farther than this are in none [pixels].
    """

    def __init__(
        self, distance: NDArray[np.float64], radius: NDArray[np.float64], outer: float
    ) -> None:
        count = len(radius)
        # compared with the radii that are handed out: a quotient would round otherwise than they
        number = (np.searchsorted(radius, distance, side="right") - 1).astype(np.int32)
        number[distance > outer] = count
        number.flags.writeable = False
        self.number = number
        """int32, shape sig; the count of rings where a pixel is in none."""
        self.pixels: NDArray[np.int64] = np.bincount(number.reshape(-1), minlength=count)[:count]
        self.radius = radius
        """Inner radius [pixels]."""


@lru_cache(maxsize=16)  # a run asks for each partition
def _find_rings(
    sig: tuple[int, int], cy: float, cx: float, n_bins: int | None, ro: float | None
) -> Rings:
    distance = np.sqrt(squared_distance(sig, cy, cx))
    outer = float(distance.max()) if ro is None else float(ro)
    if n_bins is None:
        return Rings(distance, np.arange(math.floor(outer) + 1.0), outer)
    # multiplied first, so that borders on whole pixels are exactly there
    return Rings(distance, np.arange(n_bins) * (outer or 1.0) / n_bins, outer)
