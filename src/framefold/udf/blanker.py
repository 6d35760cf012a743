"""Blanker: puts zero in place of masked pixels, tile by tile, before anybody sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.pixel_mask import PixelMask
from framefold.registry import load_target


class Blanker:
    """Makes masked pixels zero while a tile is in the cache, in the recorded type.

    Parameters
    ----------
    mask : PixelMask
        Which pixels; it must blank some.
    dtype : numpy.dtype
        Type of the pixels, machine byte order.
    sig_shape : tuple of int
        Shape of the detector.
    """

    def __init__(self, mask: PixelMask, dtype: np.dtype[Any], sig_shape: tuple[int, ...]) -> None:
        # late, since it brings the compiler, which the main side has no use for
        self._blank = load_target("framefold.kernels.blanking:blank_tile")
        excluded = mask.shaped(sig_shape).excluded
        self._excluded = None if excluded is None else np.flatnonzero(excluded).astype(np.int64)
        # others cannot hold it
        self._sentinel = mask.sentinel if dtype.kind in "ui" else None
        self._room: NDArray[Any] = np.empty((0, *sig_shape), dtype)

    def apply(self, tile: NDArray[Any], *, blanked: bool = False) -> NDArray[Any]:
        """The tile with zeros; in place where that is memory we may write to.

        Parameters
        ----------
        tile : ndarray, shape (frames,) + sig_shape
            Frames; read-only where they belong to somebody else.
        blanked : bool
            Whether the value that means none was dealt with already.

        Returns
        -------
        ndarray, shape (frames,) + sig_shape
            Valid until the next call.
        """
        if blanked and self._excluded is None:
            return tile
        if not (tile.flags.writeable and tile.flags.c_contiguous):
            if len(tile) > len(self._room):
                self._room = np.empty(tile.shape, tile.dtype)
            np.copyto(self._room[: len(tile)], tile)
            tile = self._room[: len(tile)]
        self._blank(tile, None if blanked else self._sentinel, self._excluded)
        return tile
