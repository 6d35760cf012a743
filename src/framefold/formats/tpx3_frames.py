"""Frames made of Timepix3 events when a worker asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.formats.opened import FileIdentity, OpenFile, held_open
from framefold.formats.tpx3_packets import count_hits


@dataclass(frozen=True, slots=True, eq=False)
class EventFrames:
    """Frames made of events; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    table : ndarray of int64, shape (entries + 1, 4)
        Where the file can be entered, as `index_packets` fills it, and its end.
    starts, stops : ndarray of int64, shape (frames,)
        When each frame begins and ends.
    chip, side, gap : int
        As `count_hits` takes them.
    """

    identity: FileIdentity
    table: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    chip: int
    side: int
    gap: int

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.starts)

    def piece(self, first: int, stop: int) -> EventFrames:
        """The frames ``[first, stop)``, and the part of the file with their hits."""
        begin, end = int(self.starts[first]), int(self.stops[first:stop].max())
        # hits come nearly in order, chips one after another: what lies between goes along
        latest = np.maximum.accumulate(self.table[:-1, 3])
        earliest = np.minimum.accumulate(self.table[-2::-1, 2])[::-1]
        low = int(np.searchsorted(latest, begin))
        high = max(low, int(np.searchsorted(earliest, end)))
        return EventFrames(
            self.identity,
            self.table[low : high + 1],
            self.starts[first:stop],
            self.stops[first:stop],
            self.chip,
            self.side,
            self.gap,
        )

    def open(self) -> OpenEventFrames:
        """The events, ready to be counted."""
        return OpenEventFrames(self, held_open(self.identity))


class OpenEventFrames:
    """Counts events into frames.

    Parameters
    ----------
    piece : EventFrames
        Which.
    file : OpenFile
        Where from.
    """

    def __init__(self, piece: EventFrames, file: OpenFile) -> None:
        self._piece = piece
        self._words = file.mapped()[: piece.identity.size // 8 * 8].view("<u8")

    def close(self) -> None:
        """Nothing to do: the file stays open for the blocks to come."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        piece = self._piece
        out[...] = 0
        wanted = np.full(piece.frames, -1, dtype=np.int64)
        wanted[rows] = np.arange(len(rows))
        begin, end = int(piece.starts[rows[0]]), int(piece.stops[rows].max())
        for entry in range(len(piece.table) - 1):
            at, clock, earliest, latest = piece.table[entry].tolist()
            if latest < begin or earliest >= end:
                continue
            stretch = self._words[at : int(piece.table[entry + 1, 0])]
            count_hits(
                stretch, clock, piece.starts, piece.stops, wanted, piece.chip, piece.side,
                piece.gap, out,
            )  # fmt: skip
        return out
