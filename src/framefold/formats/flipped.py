"""Frames whose rows are stored from the bottom up, handed out from the top down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.formats.pieces import OpenPiece, Piece, Storage


@dataclass(frozen=True, slots=True, eq=False)
class FlippedFrames:
    """A storage whose frames are turned upside down; storage and piece in one.

    Parameters
    ----------
    inner : Storage or Piece
        Where the frames lie.
    rows : int
        Rows of a frame.
    """

    inner: Any
    rows: int

    @classmethod
    def of(cls, storage: Storage, sig_shape: tuple[int, ...]) -> FlippedFrames:
        """The frames of a storage, upside down."""
        return cls(storage, sig_shape[0])

    @property
    def frames(self) -> int:
        """How many frames."""
        return int(self.inner.frames)

    def piece(self, first: int, stop: int) -> FlippedFrames:
        """The frames ``[first, stop)``."""
        inner: Piece = self.inner.piece(first, stop)
        return FlippedFrames(inner, self.rows)

    def open(self) -> OpenFlippedFrames:
        """The frames, ready to be read."""
        return OpenFlippedFrames(self.inner.open(), self.rows)


class OpenFlippedFrames:
    """Reads frames and turns them upside down; parameters as in `FlippedFrames`."""

    def __init__(self, inner: OpenPiece, rows: int) -> None:
        self._inner = inner
        self._rows = rows

    def close(self) -> None:
        """Let go of the frames."""
        self._inner.close()

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        found = self._inner.read(rows, out)
        shape = (len(rows), self._rows, -1)
        if np.may_share_memory(found, out):
            found = found.copy()
        out.reshape(shape)[:] = found.reshape(shape)[:, ::-1]
        return out
