"""Pieces: consecutive frames of one place in one file, as a block carries them to a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

WHEREVER = 2**62
"""A `Storage.gap` without limit."""


class OpenPiece(Protocol):
    """A piece that has been opened in the process that works on it."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """Decode frames.

        Parameters
        ----------
        rows : ndarray of int64
            Rows of this piece, ascending, at least one.
        out : ndarray, shape (len(rows), pixels), C-contiguous
            Memory for the pixels, machine byte order.

        Returns
        -------
        ndarray, shape (len(rows), pixels)
            ``out``, or a read-only view of memory that the piece holds.

        Raises
        ------
        UndecodableFrames
            If some rows are damaged; its rows are those of this piece.
        """

    def close(self) -> None:
        """Let go of what was opened for this piece alone."""


class Piece(Protocol):
    """Consecutive frames of one storage; small, immutable, picklable."""

    @property
    def frames(self) -> int:
        """How many frames."""

    def open(self) -> OpenPiece:
        """Reach them, in whatever process this is called.

        Raises
        ------
        DataError
            If the file has vanished or changed.
        """


class Storage(Protocol):
    """Frames 0 ... frames - 1 as one file stores them, on the main side.

    A storage may have a class attribute ``gap``: how many frames apart two wanted ones may lie
    for one piece to stand for both [frames]; ``WHEREVER`` if a piece is as small for a million
    frames as for one. Without it pieces stand for consecutive frames only.
    """

    @property
    def frames(self) -> int:
        """How many frames."""

    def piece(self, first: int, stop: int) -> Piece:
        """The frames ``[first, stop)``."""


def runs(rows: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Ascending rows as stretches without a gap.

    Parameters
    ----------
    rows : ndarray of int64
        Strictly ascending.

    Yields
    ------
    (int, int, int)
        Index of the stretch in ``rows``, its first row, its length.
    """
    if not len(rows):
        return
    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    starts = [0, *cuts.tolist()]
    for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
        yield start, int(rows[start]), stop - start
