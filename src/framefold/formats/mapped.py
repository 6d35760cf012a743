"""Uncompressed frames at regular distances in a file, used in place through a memory map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.formats.opened import FileIdentity, held_open
from framefold.formats.pieces import WHEREVER, runs


@dataclass(frozen=True, slots=True)
class MappedFrames:
    """Frames that lie uncompressed in a file; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    offset : int
        Where the first frame starts [bytes].
    stride : int
        From the start of one frame to the start of the next [bytes].
    frames : int
        How many.
    pixels : int
        Pixels of a frame.
    dtype : numpy.dtype
        Pixel type as it lies in the file, byte order included.
    """

    identity: FileIdentity
    offset: int
    stride: int
    frames: int
    pixels: int
    dtype: np.dtype[Any]

    gap: ClassVar[int] = WHEREVER

    def piece(self, first: int, stop: int) -> MappedFrames:
        """The frames ``[first, stop)``."""
        start = self.offset + first * self.stride
        return MappedFrames(
            self.identity, start, self.stride, stop - first, self.pixels, self.dtype
        )

    def open(self) -> OpenMappedFrames:
        """The frames as an array in place.

        Raises
        ------
        DataError
            If the file has vanished or changed, or ends before the frames do.
        """
        end = self.offset + (self.frames - 1) * self.stride + self.pixels * self.dtype.itemsize
        if self.offset < 0 or end > self.identity.size:
            raise DataError(
                f"{self.identity.path} ends at byte {self.identity.size}, "
                f"its frames would need {end}"
            )
        return OpenMappedFrames(
            np.ndarray(
                (self.frames, self.pixels),
                dtype=self.dtype,
                buffer=held_open(self.identity).mapped(),
                offset=self.offset,
                strides=(self.stride, self.dtype.itemsize),
            )
        )


class OpenMappedFrames:
    """Frames in place; copied only when the caller could not use them as they lie.

    Parameters
    ----------
    view : ndarray, shape (frames, pixels)
        Read-only view of the map.
    """

    def __init__(self, view: NDArray[Any]) -> None:
        self._view = view
        # compiled kernels want machine order, alignment and frames without gaps between them
        self._in_place = bool(
            view.dtype.isnative and view.flags.aligned and view.flags.c_contiguous
        )

    def close(self) -> None:
        """Nothing to do: the file stays open for the blocks to come."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `OpenPiece.read`; consecutive rows come without a copy."""
        if self._in_place and rows[-1] - rows[0] + 1 == len(rows):
            return self._view[rows[0] : rows[-1] + 1]
        for at, first, count in runs(rows):
            np.copyto(out[at : at + count], self._view[first : first + count])
        return out
