"""EncodedTile: frames as they came, for UDFs that can do without their pixels."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

_BEHIND = 64  # zeros behind the bits of a region, so that it may be read in wide steps


def region_bits(region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Some pixels of a detector as `EncodedTile` takes them.

    Parameters
    ----------
    region : ndarray of bool, shape sig_shape
        The pixels that count.

    Returns
    -------
    ndarray of uint8
        A bit for each pixel, the first one in the lowest bit of the first byte; and 64 bytes of
        zero.
    """
    bits = np.packbits(region.reshape(-1), bitorder="little")
    return np.concatenate([bits, np.zeros(_BEHIND, np.uint8)])


class EncodedTile(Protocol):
    """Some frames as they came, that can be added up without anybody making pixels of them.

    All of it raises `UndecodableFrames` if some of the frames are damaged; what was added up so
    far is worth nothing then.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """``(frames,) + sig_shape``, as of a tile of pixels."""

    def add_frames(self, total: NDArray[Any]) -> None:
        """Add every frame to a running total.

        Parameters
        ----------
        total : ndarray of uint64, shape sig_shape, C-contiguous
            Changed in place; exact as long as the sums fit 64 bit.
        """

    def frame_sums(self, region: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """The sum of each frame's pixels, exact as long as it fits 64 bit.

        Parameters
        ----------
        region : ndarray of uint8, optional
            The pixels that count, as `region_bits` gives them; all when left out.

        Returns
        -------
        ndarray of uint64, shape (frames,)
        """

    def frame_moments(self, region: NDArray[np.uint8]) -> NDArray[np.int64] | None:
        """Sum and first moments of each frame's pixels, exact as long as they fit 63 bit.

        Parameters
        ----------
        region : ndarray of uint8
            The pixels that count, as `region_bits` gives them.

        Returns
        -------
        ndarray of int64, shape (frames, 3), or None
            Columns: sum, sum of row times value, sum of column times value. None if that cannot
            be had of these frames; they have to be read.
        """


@runtime_checkable
class Summable(Protocol):
    """Frames that may be able to give some as an `EncodedTile`."""

    def encoded_tile(
        self,
        rows: NDArray[np.int64],
        sig_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        blank: bool,
    ) -> EncodedTile | None:
        """Frames as they came; valid until the next call, or until frames are read.

        Parameters
        ----------
        rows : ndarray of int64
            Rows of this block, ascending.
        sig_shape : tuple of int
            Shape of a frame [pixels].
        dtype : numpy.dtype
            Type of the pixels, machine byte order.
        blank : bool
            Whether pixels with the largest value count as zero.

        Returns
        -------
        EncodedTile or None
            None if they cannot be added up like that: read them.

        Raises
        ------
        UndecodableFrames
            If it can be seen already that some are damaged.
        """
