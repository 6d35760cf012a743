"""Frames that only the zarr package can read: any chunks, any codecs, shards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats.extras import extra, library_errors
from framefold.formats.library import slabs
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import runs


@dataclass(frozen=True, slots=True)
class ZarrFrames:
    """Frames that the zarr package reads; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file that describes the folder.
    folder, path : str
        Where the array is.
    nav_shape, sig_shape : tuple of int
        Its axes.
    first, frames : int
        Which of the frames, in C order.
    """

    identity: FileIdentity
    folder: str
    path: str
    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    first: int
    frames: int

    def piece(self, first: int, stop: int) -> ZarrFrames:
        """The frames ``[first, stop)``."""
        return ZarrFrames(
            self.identity,
            self.folder,
            self.path,
            self.nav_shape,
            self.sig_shape,
            self.first + first,
            stop - first,
        )

    def open(self) -> OpenZarrFrames:
        """The array, opened.

        Raises
        ------
        DataError
            If it has changed, or the zarr package is not installed.
        """
        self.identity.check()
        zarr = extra("zarr", "zarr", self.folder)
        with library_errors(self.folder, "zarr"):
            return OpenZarrFrames(self, zarr.open_array(self.folder, mode="r", path=self.path))


class OpenZarrFrames:
    """Reads boxes of an array.

    Parameters
    ----------
    piece : ZarrFrames
        What to read.
    array : zarr.Array
        Where from.
    """

    def __init__(self, piece: ZarrFrames, array: Any) -> None:
        self._piece = piece
        self._array = array

    def close(self) -> None:
        """Nothing is kept open."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        damaged: list[int] = []
        reason = ""
        for at, row, count in runs(rows):
            try:
                self._read_run(row, out[at : at + count])
            except DataError as error:
                reason = reason or str(error)
                damaged += self._damaged(row, out[at : at + count])
        if damaged:
            raise UndecodableFrames(np.array(damaged, dtype=np.int64), reason)
        return out

    def _damaged(self, row: int, out: NDArray[Any]) -> list[int]:
        found = []
        for i in range(len(out)):
            try:
                self._read_run(row + i, out[i : i + 1])
            except DataError:
                found.append(row + i)
        return found

    def _read_run(self, row: int, out: NDArray[Any]) -> None:
        piece, done = self._piece, 0
        axes = piece.nav_shape if self._array.ndim > len(piece.sig_shape) else ()
        with library_errors(piece.folder, "zarr"):
            for slab in slabs(axes, piece.first + row, len(out)):
                count = math.prod(s.stop - s.start for s in slab)
                box = self._array[(*slab, ...)]
                out[done : done + count] = np.asarray(box).reshape(count, -1)
                done += count
