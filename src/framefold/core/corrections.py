"""CorrectionSet: what is done to raw pixels before any UDF sees them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.repair import RepairDescriptor, excluded_mask
from framefold.core.shape import Slice
from framefold.errors import ShapeError


def corrected_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The type of corrected pixels: float32 or wider, complex stays complex."""
    return np.result_type(np.dtype(dtype), np.float32)


class CorrectionSet:
    """Dark frame, gain map and excluded pixels of a detector.

    Each pixel becomes ``(raw - dark) * gain``; then each excluded pixel becomes the mean of those
    of its neighbours that are not excluded. Without arguments it is the empty set, which also
    switches off corrections that a data set brings along.

    Parameters
    ----------
    dark : array-like, sig-shaped, optional
        Counts that are there without any beam; subtracted.
    gain : array-like, sig-shaped, optional
        Factor for each pixel.
    excluded_pixels : optional
        Mask of the detector's shape: an array, nested lists, a sparse array or matrix. Beside
        ``dark`` or ``gain`` also coordinates, shape (sig_dims, pixels), as ``np.nonzero`` has them.
    allow_empty : bool
        Whether an excluded pixel may have no good neighbour; it then is corrected, not repaired.

    Raises
    ------
    ShapeError
        If the three do not have the same shape.
    RepairValueError
        If an excluded pixel has no good neighbour and ``allow_empty`` is False.
    """

    def __init__(
        self,
        dark: Any = None,
        gain: Any = None,
        excluded_pixels: Any = None,
        allow_empty: bool = False,
    ) -> None:
        self._dark = _kept(dark)
        self._gain = _kept(gain)
        known = next((a.shape for a in (self._dark, self._gain) if a is not None), None)
        self._mask = None if excluded_pixels is None else excluded_mask(excluded_pixels, known)
        self._allow_empty = bool(allow_empty)
        given = [a for a in (self._dark, self._gain, self._mask) if a is not None]
        self._sig_shape: tuple[int, ...] | None = given[0].shape if given else None
        if any(array.shape != self._sig_shape for array in given):
            shapes = ", ".join(str(array.shape) for array in given)
            raise ShapeError(f"dark, gain and excluded_pixels have different shapes: {shapes}")
        if self._mask is not None:
            self._mask.setflags(write=False)
            self.repairs  # noqa: B018 - wrong pixels are to be heard of here

    @cached_property
    def repairs(self) -> RepairDescriptor | None:
        """Which pixels are repaired, and from what; None when no pixel is excluded."""
        if self._mask is None or not self._mask.any():
            return None
        return RepairDescriptor(self._mask.shape, self._mask, self._allow_empty)

    @property
    def sig_shape(self) -> tuple[int, ...] | None:
        """Shape of the detector that this is for; None for the empty set."""
        return self._sig_shape

    def get_dark_frame(self) -> NDArray[Any] | None:
        """Counts to be subtracted from each pixel, sig-shaped; None when there are none."""
        return self._dark

    def get_gain_map(self) -> NDArray[Any] | None:
        """Factor for each pixel, sig-shaped; None when there is none."""
        return self._gain

    def get_excluded_pixels(self) -> NDArray[np.bool_] | None:
        """Mask of the pixels to be replaced by their neighbours' mean; None without any."""
        return self._mask

    def have_corrections(self) -> bool:
        """Whether anything at all is done to the pixels."""
        return self._dark is not None or self._gain is not None or self.repairs is not None

    def check_fits(self, sig_shape: Sequence[int]) -> None:
        """Refuse corrections of another detector.

        Raises
        ------
        ShapeError
            If the shapes differ.
        """
        if self._sig_shape is not None and self._sig_shape != tuple(sig_shape):
            raise ShapeError(
                f"corrections are for a detector of shape {self._sig_shape}, "
                f"frames are {tuple(sig_shape)}"
            )

    def apply(self, data: NDArray[Any], tile_slice: Slice) -> None:
        """Correct a tile in place.

        Parameters
        ----------
        data : ndarray, shape (frames,) + sig part
            Pixels of a float or complex type.
        tile_slice : Slice
            Where the tile lies; excluded pixels at its border are repaired from inside of it.

        Raises
        ------
        TypeError
            If ``data`` cannot hold fractions.
        """
        if data.dtype.kind not in "fc":
            raise TypeError(f"corrected pixels have fractions, {data.dtype} cannot hold them")
        part = tile_slice.sig.get()
        if self._dark is not None:
            data -= self._dark[part].astype(data.dtype)
        if self._gain is not None:
            data *= self._gain[part].astype(data.dtype)
        if self._mask is not None and self._mask[part].any():
            inside = self._mask[part]
            flat = data.reshape(len(data), -1)
            RepairDescriptor(inside.shape, inside, allow_empty=True).repair(flat)
            if not np.may_share_memory(flat, data):
                data[...] = flat.reshape(data.shape)

    def adjust_tileshape(
        self, tile_shape: Sequence[int], sig_shape: Sequence[int], base_shape: Sequence[int]
    ) -> tuple[int, ...]:
        """A tile shape whose borders stay clear of excluded pixels.

        Here frames are corrected before they are cut, so nothing depends on it; for code that cuts
        tiles itself.

        Parameters
        ----------
        tile_shape : sequence of int
            Lengths of a tile along the signal axes.
        sig_shape : sequence of int
            Lengths of the detector.
        base_shape : sequence of int
            Tiles are to be multiples of this.

        Returns
        -------
        tuple of int
            Along each axis the next smaller length that will do, but not below half; else the
            next larger one, or the whole detector.
        """
        repairs = self.repairs
        if repairs is None:
            return tuple(tile_shape)
        places = np.unravel_index(repairs.excluded, tuple(sig_shape))
        return tuple(
            _clear_length(np.unique(at), int(tile), int(whole), int(base))
            for at, tile, whole, base in zip(places, tile_shape, sig_shape, base_shape, strict=True)
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (CorrectionSet, (self._dark, self._gain, self._mask, self._allow_empty))

    def __repr__(self) -> str:
        excluded = 0 if self._mask is None else int(self._mask.sum())
        return (
            f"<CorrectionSet dark={self._dark is not None} gain={self._gain is not None} "
            f"excluded_pixels={excluded}>"
        )


def _kept(given: Any) -> NDArray[Any] | None:
    if given is None:
        return None
    kept = np.array(given)  # a copy: what the user does to it afterwards has no effect
    kept.setflags(write=False)
    return kept


def _clear_length(at: NDArray[np.int64], tile: int, whole: int, base: int) -> int:
    """The length next to ``tile`` on whose borders no pixel of ``at`` touches.

    A smaller one, down to half, goes before a larger one: what was asked for may fill a cache.
    """
    most = max(tile // base, 1)
    smaller = range(most, max(most // 2, 1) - 1, -1)
    for number in (*smaller, *range(most + 1, -(-whole // base))):
        length: int = number * base
        # a border lies between pixel b - 1 and pixel b
        rest = at % length
        first_of_tile = (rest == 0) & (at > 0)
        last_of_tile = (rest == length - 1) & (at < whole - 1)
        if length < whole and not (first_of_tile | last_of_tile).any():
            return length
    return whole
