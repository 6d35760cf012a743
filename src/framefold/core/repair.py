"""RepairDescriptor: which pixels are replaced by the mean of which neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import RepairValueError, ShapeError


def excluded_mask(excluded_pixels: Any, sig_shape: Iterable[int] | None) -> NDArray[np.bool_]:
    """Excluded pixels, however they were written, as a mask.

    Parameters
    ----------
    excluded_pixels : object
        A mask of the detector's shape (an array, nested lists, a sparse array or matrix: what is
        not zero is excluded); integer coordinates, shape (sig_dims, pixels), as ``np.nonzero``
        gives them; or None for no pixel.
    sig_shape : iterable of int, or None
        Shape of the detector; that of ``excluded_pixels`` when None.

    Returns
    -------
    ndarray of bool, shape sig_shape

    Raises
    ------
    ShapeError
        If the mask has another shape, or there is neither a mask nor a shape.
    """
    shape = None if sig_shape is None else tuple(int(n) for n in sig_shape)
    if excluded_pixels is None:
        if shape is None:
            raise ShapeError("no shape of the detector: give sig_shape or excluded_pixels")
        return np.zeros(shape, dtype=bool)
    dense = excluded_pixels
    for name in ("todense", "toarray"):  # pydata/sparse, scipy.sparse
        if hasattr(dense, name):
            dense = getattr(dense, name)()
    if dense is excluded_pixels and shape is not None and _are_coordinates(dense, shape):
        mask = np.zeros(shape, dtype=bool)
        mask[tuple(np.asarray(dense, dtype=np.intp))] = True
        return mask
    # a copy: what the user does to the array afterwards has no effect
    mask = np.array(dense, dtype=bool)
    if shape is not None and mask.shape != shape:
        raise ShapeError(
            f"excluded_pixels is a mask of shape {mask.shape}, the detector is {shape}"
        )
    return mask


def _are_coordinates(given: Any, shape: tuple[int, ...]) -> bool:
    """Whether an array holds pixel numbers rather than a mask: one row for each axis."""
    array = np.asarray(given)
    rows = array.ndim == 2 and len(array) == len(shape)
    # an empty array has the type of floats when nobody said
    return rows and array.shape != shape and (array.dtype.kind in "iu" or not array.size)


class RepairDescriptor:
    """For each excluded pixel, the neighbours that stand in for it.

    Neighbours are the pixels that touch it, corners included (``3**sig_dims - 1`` of them inside
    the detector), without those that are excluded themselves.

    Parameters
    ----------
    sig_shape : iterable of int
        Shape of the detector.
    excluded_pixels : optional
        A mask as `excluded_mask` takes it.
    allow_empty : bool
        Whether a pixel may have no neighbour that is good; it then stays as it is.

    Raises
    ------
    RepairValueError
        If a pixel has no good neighbour and ``allow_empty`` is False.
    ShapeError
        If the mask has another shape than the detector.
    """

    def __init__(
        self,
        sig_shape: Iterable[int],
        excluded_pixels: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self.sig_shape = tuple(int(n) for n in sig_shape)
        mask = excluded_mask(excluded_pixels, self.sig_shape)
        places = np.argwhere(mask)
        table, good = _neighbours(mask, places)
        counts = np.count_nonzero(good, axis=1)
        if not allow_empty and (counts == 0).any():
            first = tuple(int(n) for n in places[int(np.argmin(counts))])
            raise RepairValueError(
                f"{int((counts == 0).sum())} excluded pixels have no good neighbour, the first is "
                f"{first}; exclude fewer, or pass allow_empty=True to leave them as they are"
            )
        kept = counts > 0
        # good ones to the front, so that whoever sums needs their number only
        order = np.argsort(~good[kept], axis=1, kind="stable")
        self.excluded: NDArray[np.int64] = np.ravel_multi_index(
            tuple(places[kept].T), self.sig_shape
        ).astype(np.int64)
        """Flat index of each pixel that is repaired, shape (pixels,)."""
        self.neighbours: NDArray[np.int64] = np.take_along_axis(table[kept], order, axis=1)
        """Flat indices of its neighbours, the good ones first, shape (pixels, most)."""
        self.counts: NDArray[np.int64] = counts[kept].astype(np.int64)
        """How many of them are good, at least 1, shape (pixels,)."""

    def __len__(self) -> int:
        return len(self.excluded)

    def repair(self, frames: NDArray[Any]) -> None:
        """Replace the excluded pixels of frames, in place.

        Parameters
        ----------
        frames : ndarray, shape (n, pixels)
            Frames that are corrected already; means are taken in double precision.
        """
        if not len(self):
            return
        wide = np.result_type(frames.dtype, np.float64)
        # neighbour by neighbour, for sums that do not depend on how numpy adds up
        total = np.zeros((len(frames), len(self)), wide)
        for k in range(self.neighbours.shape[1]):
            there = self.counts > k
            total[:, there] += frames[:, self.neighbours[there, k]]
        frames[:, self.excluded] = total / self.counts


def _neighbours(
    mask: NDArray[np.bool_], places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Flat index of every neighbour of some pixels, and which of them are there and good."""
    steps = [s for s in itertools.product((-1, 0, 1), repeat=mask.ndim) if any(s)]
    around = places[:, np.newaxis, :] + np.array(steps, dtype=np.int64).reshape(1, -1, mask.ndim)
    limits = np.array(mask.shape)
    inside = ((around >= 0) & (around < limits)).all(axis=-1)
    around[~inside] = 0
    index = tuple(around[..., axis] for axis in range(mask.ndim))
    flat = np.ravel_multi_index(index, mask.shape).astype(np.int64)
    return flat, inside & ~mask[index]
