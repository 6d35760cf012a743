"""ScanRule: what a user says of a scan, made a Scan once the frames are counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from framefold.core.position_table import PositionTable, table_shape
from framefold.core.scan import Scan
from framefold.core.scan_shapes import Confidence, Guess, fill, guesses
from framefold.errors import ScanError


@dataclass(frozen=True, slots=True)
class ScanFit:
    """A scan, why it is this one, and what else it could be.

    Parameters
    ----------
    scan : Scan
        The scan to use.
    reason : str
        Where its shape comes from.
    confidence : str
        How sure that is.
    others : tuple of Guess
        Other shapes that the recording could have, likely ones first.
    """

    scan: Scan
    reason: str
    confidence: Confidence
    others: tuple[Guess, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ScanRule:
    """What a user says of a scan; what is left out is guessed.

    Parameters
    ----------
    nav_shape : tuple of int or None
        Scan shape, with at most two ``-1``, without an axis for the frames at each position.
    sync_offset, lead_in, flyback, order
        As for `Scan`; None for what the source says, else nothing of the kind and a raster.
    frames_per_position : int
        Frames at each position, one after another.
    repeats : str
        What becomes of these: ``"sum"``, or ``"axis"`` for one more navigation axis.
    positions : ndarray of int, PositionTable or None
        Where each frame belongs, as `PositionTable.of` takes it; or a table made of that for
        this scan.
    """

    nav_shape: tuple[int, ...] | None = None
    sync_offset: int = 0
    order: Literal["raster", "snake"] | None = None
    flyback: int | None = None
    lead_in: int | None = None
    frames_per_position: int = 1
    repeats: Literal["sum", "axis"] = "sum"
    positions: NDArray[np.int64] | PositionTable | None = None

    def with_table(self) -> ScanRule:
        """The same rule with its positions made a table, once for all that it will be fitted to.

        Raises
        ------
        ScanError
            If the positions do not go with what else was said of the scan.
        """
        if self.positions is None:
            return self
        fit = self._by_table(self.positions)
        return replace(self, nav_shape=self._table_shape(self.positions), positions=fit.scan.table)

    def fit(self, frames: int | None, hints: Sequence[Guess] = ()) -> ScanFit:
        """The scan for a number of frames.

        Parameters
        ----------
        frames : int or None
            How many frames there are or were promised; None when nobody knows.
        hints : sequence of Guess
            What the source itself says of the scan.

        Raises
        ------
        ScanError
            If there is nothing to go by, or what was told cannot be.
        """
        if self.positions is not None:
            return self._by_table(self.positions)
        each = self.frames_per_position
        counted = None if frames is None else max(0, frames - (self.lead_in or 0))
        others: tuple[Guess, ...] = ()
        if self.nav_shape is not None:
            told = self._told(counted, self.nav_shape, hints)
        else:
            ranked = guesses(counted, hints, each)
            told, others = ranked[0], ranked[1:]
            if self.flyback and told.flyback != self.flyback:
                shape = fill(counted, (-1, -1), flyback=self.flyback, each=each)
                told = Guess(shape, f"a square with {self.flyback} flyback frames a line", "medium")
        reason = told.reason
        if told.confidence in ("medium", "low"):
            reason = f"guessed: {reason}; give nav_shape if it is another"
        return ScanFit(self._scan(told), reason, told.confidence, others)

    def _told(
        self, frames: int | None, nav_shape: tuple[int, ...], hints: Sequence[Guess]
    ) -> Guess:
        flyback, each = self.flyback or 0, self.frames_per_position
        shape = fill(frames, nav_shape, flyback=flyback, each=each)
        for hint in hints:
            # whoever gives the shape that the file gives means the same scan
            if hint.shape == shape and hint.confidence in ("certain", "high"):
                return replace(hint, reason=f"told by the user; {hint.reason}")
        return Guess(shape, "told by the user", "certain")

    def _scan(self, guess: Guess, table: PositionTable | None = None) -> Scan:
        each = self.frames_per_position
        sums = each > 1 and self.repeats == "sum"
        return Scan(
            guess.shape if each == 1 or sums else (*guess.shape, each),
            self.sync_offset,
            order=guess.order if self.order is None else self.order,
            flyback=guess.flyback if self.flyback is None else self.flyback,
            lead_in=guess.lead_in if self.lead_in is None else self.lead_in,
            frames_per_position=each,
            sums=sums,
            table=table,
        )

    def _table_shape(self, positions: NDArray[np.int64] | PositionTable) -> tuple[int, ...]:
        if self.nav_shape is not None:
            return self.nav_shape
        return (
            (len(positions.frames),)
            if isinstance(positions, PositionTable)
            else table_shape(positions)
        )

    def _by_table(self, positions: NDArray[np.int64] | PositionTable) -> ScanFit:
        if self.order is not None or self.flyback:
            raise ScanError("a position table says where each frame belongs: no order, no flyback")
        shape = self._table_shape(positions)
        if -1 in shape:
            raise ScanError(f"scan shape {shape}: with a position table every axis must be told")
        if isinstance(positions, PositionTable):
            table = positions
            if len(table.frames) != math.prod(shape):
                raise ScanError(
                    f"scan shape {shape}: the position table was made for {len(table.frames)} "
                    "positions"
                )
        else:
            table = PositionTable.of(positions, shape, self._visits_skipped)
        entries = f"a position table of {len(table.entries)} entries"
        sure: Confidence = "certain" if self.nav_shape else "medium"
        guess = Guess(shape, f"told by the user: {entries}", sure)
        return ScanFit(self._scan(guess, table), guess.reason, sure)

    @property
    def _visits_skipped(self) -> int:
        """Entries of a table that come before the first frame."""
        blank = max(0, -self.sync_offset)
        return blank if self.repeats == "sum" else blank // self.frames_per_position
