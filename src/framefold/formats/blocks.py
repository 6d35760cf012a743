"""Blocks of recorded frames: pieces of files with the scan positions they fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.core.encoded_tile import EncodedTile, Summable
from framefold.formats.pieces import OpenPiece, Piece


@dataclass(frozen=True, slots=True, eq=False)
class FileBlock:
    """A claim on frames in files; a few hundred bytes and the places of the chunks.

    Parameters
    ----------
    ident : int
        Number of the block within its reader.
    spans : tuple of (int, int)
        Flat scan positions ``[start, stop)``, ascending; one after another they belong to
        the frames of the pieces, one after another.
    pieces : tuple of Piece
        Where the frames lie.
    sig_shape : tuple of int
        Shape of a frame as the run sees it [pixels].
    rows : ndarray of int32 or int64, or None
        Which frame of the pieces, one after another, belongs to each position; None where they
        follow one another as the positions do.
    """

    ident: int
    spans: tuple[tuple[int, int], ...]
    pieces: tuple[Piece, ...]
    sig_shape: tuple[int, ...]
    rows: NDArray[np.integer[Any]] | None = None

    @contextmanager
    def open(self) -> Iterator[FileFrames]:
        """Reach the frames; most files stay open in this process for the blocks to come."""
        with ExitStack() as stack:
            opened = []
            for piece in self.pieces:
                opened.append(piece.open())
                stack.callback(opened[-1].close)
            yield FileFrames(
                np.concatenate([np.arange(a, b, dtype=np.int64) for a, b in self.spans]),
                opened,
                np.cumsum([0, *(piece.frames for piece in self.pieces)]),
                self.sig_shape,
                self.rows,
            )


class FileFrames:
    """The frames of an opened block.

    Parameters
    ----------
    positions : ndarray of int64
        Flat scan position of each row.
    pieces : list of OpenPiece
        Where the rows come from.
    starts : ndarray of int64, shape (len(pieces) + 1,)
        First row of each piece, and the number of all rows.
    sig_shape : tuple of int
        Shape of a frame.
    order : ndarray of int32 or int64, or None
        As ``rows`` of `FileBlock`.
    """

    def __init__(
        self,
        positions: NDArray[np.int64],
        pieces: list[OpenPiece],
        starts: NDArray[np.int64],
        sig_shape: tuple[int, ...],
        order: NDArray[np.integer[Any]] | None = None,
    ) -> None:
        self._positions = positions
        self._pieces = pieces
        self._starts = starts
        self._sig_shape = sig_shape
        self._order = order

    @property
    def positions(self) -> NDArray[np.int64]:
        """Flat scan position of each row, strictly ascending [positions]."""
        return self._positions

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """Decode frames; see `framefold.core.block.Frames.read`."""
        count = len(rows)
        if not count:
            return out[:0]
        flat = out[:count].reshape(count, -1)
        pixels = self._read(rows, flat) if self._order is None else self._collect(rows, flat)
        return pixels.reshape((count, *self._sig_shape))

    def encoded_tile(
        self,
        rows: NDArray[np.int64],
        sig_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        blank: bool,
    ) -> EncodedTile | None:
        """Frames as they came; see `framefold.core.encoded_tile.Summable`."""
        piece = self._pieces[0]
        if len(self._pieces) > 1 or self._order is not None or not isinstance(piece, Summable):
            return None
        return piece.encoded_tile(rows, sig_shape, dtype, blank=blank)

    def _collect(self, rows: NDArray[np.int64], flat: NDArray[Any]) -> NDArray[Any]:
        """Frames that lie in another order than their positions."""
        assert self._order is not None, "asked only then"
        stored = self._order[rows].astype(np.int64)
        order = np.argsort(stored, kind="stable")
        ordered = stored[order]
        if (order[1:] > order[:-1]).all():
            turn: NDArray[np.int64] = rows
            room = flat
        else:
            turn, room = rows[order], np.empty_like(flat)
        try:
            pixels = self._read(ordered, room)
        except UndecodableFrames as finding:
            bad = turn[np.isin(ordered, finding.rows)]
            raise UndecodableFrames(np.sort(bad), finding.reason) from finding
        if room is flat:
            return pixels
        flat[order] = pixels
        return flat

    def _read(self, rows: NDArray[np.int64], flat: NDArray[Any]) -> NDArray[Any]:
        """Frames of the pieces, in the order in which they lie there."""
        cuts = np.searchsorted(rows, self._starts)
        used = [i for i in range(len(self._pieces)) if cuts[i] < cuts[i + 1]]
        if len(used) == 1:
            return self._read_piece(used[0], rows, flat)
        damaged: list[NDArray[np.int64]] = []
        reasons: list[str] = []
        for i in used:
            part = slice(int(cuts[i]), int(cuts[i + 1]))
            try:
                pixels = self._read_piece(i, rows[part], flat[part])
            except UndecodableFrames as finding:
                damaged.append(finding.rows)
                reasons.append(finding.reason)
                continue
            if not np.may_share_memory(pixels, flat):
                np.copyto(flat[part], pixels)
        if damaged:
            raise UndecodableFrames(np.concatenate(damaged), reasons[0])
        return flat

    def _read_piece(self, i: int, rows: NDArray[np.int64], flat: NDArray[Any]) -> NDArray[Any]:
        start = int(self._starts[i])
        try:
            return self._pieces[i].read(rows - start, flat)
        except UndecodableFrames as finding:
            raise UndecodableFrames(finding.rows + start, finding.reason) from finding
