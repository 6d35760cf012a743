"""Scan: the rule that gives each frame number its place in the scan, or nowhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from framefold.core.position_table import PositionTable
from framefold.core.scan_shapes import fill, guesses
from framefold.errors import ScanError

NOWHERE = -1
"""The position of a frame that has no place in the scan."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Which frame belongs where.

    Parameters
    ----------
    shape : tuple of int
        Positions along each navigation axis, slow axis first [positions]. With several frames at
        each position that are not summed, the last axis counts them.
    sync_offset : int
        Frames to skip at the start (positive), or positions to leave blank at the start
        (negative).
    order : str
        ``"raster"``: every line from its first position on; ``"snake"``: every second line
        from its last position back.
    flyback : int
        Frames behind each line that belong to no position [frames].
    lead_in : int
        Frames before the first line that belong to no position [frames].
    frames_per_position : int
        Frames at each position, one after another [frames].
    sums : bool
        Whether these are summed; otherwise they are the last axis of ``shape``.
    table : PositionTable or None
        Where each frame belongs, instead of any order.

    Raises
    ------
    ScanError
        If an axis is shorter than one position, or there is none, or a number cannot be.
    """

    shape: tuple[int, ...]
    sync_offset: int = 0
    order: Literal["raster", "snake"] = "raster"
    flyback: int = 0
    lead_in: int = 0
    frames_per_position: int = 1
    sums: bool = False
    table: PositionTable | None = None
    _plain: bool = field(init=False, repr=False, compare=False)
    _size: int = field(init=False, repr=False, compare=False)
    _origin: int = field(init=False, repr=False, compare=False)
    """Frame number at which the first position would have its frame."""

    def __post_init__(self) -> None:
        if not self.shape or any(n < 1 for n in self.shape):
            raise ScanError(
                f"scan shape {self.shape} has an axis without positions; "
                "every axis needs at least 1"
            )
        if self.order not in ("raster", "snake"):
            raise ScanError(f"scan order {self.order!r}; give 'raster' or 'snake'")
        if min(self.flyback, self.lead_in) < 0 or self.frames_per_position < 1:
            raise ScanError(
                f"flyback={self.flyback}, lead_in={self.lead_in}, "
                f"frames_per_position={self.frames_per_position}: these count frames"
            )
        if self._stacked and self.shape[-1] != self.frames_per_position:
            raise ScanError(
                f"scan shape {self.shape}: the last axis should count the "
                f"{self.frames_per_position} frames at each position"
            )
        turns = self.order == "snake" and len(self._grid) > 1
        special = turns or self.flyback or self.lead_in or self.sums or self.table is not None
        object.__setattr__(self, "_plain", not special)
        object.__setattr__(self, "_size", math.prod(self.shape))
        blank = self._tick(-self.sync_offset) if self.sync_offset < 0 else -self.sync_offset
        object.__setattr__(self, "_origin", self.lead_in - blank)

    @property
    def size(self) -> int:
        """How many positions the scan has."""
        return self._size

    @property
    def is_plain(self) -> bool:
        """Whether positions are frame numbers but for ``sync_offset``."""
        return self._plain

    @property
    def unfolded(self) -> Scan:
        """The same scan with frames that are summed along one more axis."""
        if not self.sums:
            return self
        each = self.frames_per_position
        blank = self.sync_offset * each if self.sync_offset < 0 else self.sync_offset
        shape = (*self.shape, each) if each > 1 else self.shape
        return replace(self, shape=shape, sums=False, sync_offset=blank)

    @property
    def frames_needed(self) -> int:
        """How many frames a whole scan takes, those without a place included."""
        if self.table is not None:
            return self._origin + len(self.table.entries) * self.frames_per_position
        last = self._tick(self._size - 1) + (self.frames_per_position if self.sums else 1)
        return self._origin + last

    def position(self, number: int) -> int:
        """Where one frame belongs.

        Parameters
        ----------
        number : int
            Number of the frame, as the detector counts, from 0.

        Returns
        -------
        int
            Flat C-order position in ``shape``, or ``NOWHERE``.
        """
        if self._plain:
            position = number - self.sync_offset
            return position if 0 <= position < self._size else NOWHERE
        if number < self.lead_in + max(0, self.sync_offset):
            return NOWHERE
        # as in _places, without the cost of making arrays for one number
        each = self.frames_per_position
        line, rest = divmod(number - self._origin, self._period)
        if self.table is not None:
            visit, repeat = divmod(number - self._origin, each)
            if visit >= len(self.table.entries):
                return NOWHERE
            point = int(self.table.entries[visit])
        else:
            column, repeat = divmod(rest, each)
            width = self._grid[-1]
            if column >= width:
                return NOWHERE
            if self.order == "snake" and len(self._grid) > 1 and line % self._grid[-2] % 2:
                column = width - 1 - column
            point = line * width + column
        position = point if self.sums else point * each + repeat
        return position if 0 <= position < self._size else NOWHERE

    def positions(self, first: int, count: int = 1) -> NDArray[np.int64]:
        """Where consecutive frames belong in the scan.

        Parameters
        ----------
        first : int
            Number of the first frame, as the detector counts them, from 0.
        count : int
            How many frames, the first included.

        Returns
        -------
        ndarray of int64, shape (count,)
            Flat C-order position in ``shape`` [positions], or ``NOWHERE`` for frames that have
            none.

        Raises
        ------
        ScanError
            If ``first`` or ``count`` is negative.
        """
        if first < 0 or count < 0:
            raise ScanError(f"frames {first}..{first + count} do not exist: numbers start at 0")
        return self._places(np.arange(first, first + count, dtype=np.int64))

    def numbers(self, start: int, stop: int) -> NDArray[np.int64]:
        """Which frames belong to a stretch of positions: what `positions` turns round.

        Parameters
        ----------
        start, stop : int
            Flat positions ``[start, stop)``.

        Returns
        -------
        ndarray of int64, shape (stop - start,)
            Frame numbers; of frames that are summed the first one; ``NOWHERE`` for positions
            that never get a frame.
        """
        each, first = self.frames_per_position, self.lead_in + max(0, self.sync_offset)
        if self.sums:
            return self.unfolded.numbers(start * each, stop * each)[::each]
        wanted = np.arange(start, stop, dtype=np.int64)
        point, repeat = np.divmod(wanted, each)
        if self.table is not None:
            visit = self.table.frames[point]
            found = visit * each + repeat + self._origin
            found[visit < 0] = NOWHERE
        else:
            line, column = np.divmod(point, self._grid[-1])
            found = line * self._period + self._turned(line, column) * each + repeat
            found += self._origin
        found[found < first] = NOWHERE
        return found

    def positions_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where frames of any numbers belong in the scan.

        Parameters
        ----------
        numbers : ndarray of int64, shape (n,)
            Numbers of the frames, as the detector counts them, from 0.

        Returns
        -------
        ndarray of int64, shape (n,)
            What `position` says of each [positions].
        """
        if not self._plain:
            return self._places(numbers)
        found = numbers - self.sync_offset
        found[(found < 0) | (found >= self._size)] = NOWHERE
        return found

    def own_positions_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where frames of any numbers belong, unless an earlier frame belongs there, too.

        Parameters
        ----------
        numbers : ndarray of int64, shape (n,)
            Numbers of the frames, as the detector counts them, from 0.

        Returns
        -------
        ndarray of int64, shape (n,)
            As of `positions_of`, and ``NOWHERE`` for frames that `is_repeat` says yes of: what
            `numbers` turns round, frame by frame.
        """
        found = self.positions_of(numbers)
        table = self.table
        if table is None or not table.has_repeats:
            return found
        here = found != NOWHERE
        point = found if self.sums else found // self.frames_per_position
        visit = (numbers - self._origin) // self.frames_per_position
        found[here & (table.frames[np.where(here, point, 0)] != visit)] = NOWHERE
        return found

    def is_repeat(self, number: int, position: int) -> bool:
        """Whether a frame that belongs to a position is not the first that does.

        By the table, whether or not that one comes: which frame a result is made of does not
        depend on what was lost or came out of order.
        """
        table = self.table
        if table is None or not table.has_repeats:
            return False
        each = self.frames_per_position
        point = position if self.sums else position // each
        return int(table.frames[point]) != (number - self._origin) // each

    def reachable(self, frames: int | None) -> int:
        """How many positions get a frame.

        Parameters
        ----------
        frames : int or None
            How many frames come; None for as many as the scan needs.

        Returns
        -------
        int
            Less than `size` when positions are left blank at the start, or frames are few
            [positions].
        """
        if self.sums:
            return self.unfolded.reachable(frames) // self.frames_per_position
        if self.table is not None:
            return self._visited(frames)
        end = self._size if frames is None else self._before(frames - self._origin)
        return max(0, end - max(0, -self.sync_offset))

    def _visited(self, frames: int | None) -> int:
        """How many positions get a frame by the table.

        In few passes over it: this is asked at the start and at the end of every acquisition.
        """
        assert self.table is not None
        each, visits = self.frames_per_position, self.table.frames
        first = self.lead_in + max(0, self.sync_offset) - self._origin
        last = len(self.table.entries) * each if frames is None else frames - self._origin
        if each == 1:
            return int(np.count_nonzero((visits >= max(0, first)) & (visits < last)))
        ticks = visits[visits >= 0] * each
        come = np.clip(last - ticks, 0, each) - np.clip(first - ticks, 0, each)
        return int(np.maximum(come, 0).sum())

    def described(self) -> dict[str, object]:
        """The rule as plain values, without what goes without saying."""
        told: dict[str, object] = {"shape": list(self.shape), "sync_offset": self.sync_offset}
        if self.table is not None:
            told["order"] = f"table of {len(self.table.entries)} entries"
        elif self.order != "raster":
            told["order"] = self.order
        for name in ("flyback", "lead_in"):
            if getattr(self, name):
                told[name] = getattr(self, name)
        if self.frames_per_position > 1:
            told["frames_per_position"] = self.frames_per_position
            told["repeats"] = "sum" if self.sums else "axis"
        return told

    @property
    def _stacked(self) -> bool:
        return self.frames_per_position > 1 and not self.sums

    @property
    def _grid(self) -> tuple[int, ...]:
        return self.shape[:-1] or (1,) if self._stacked else self.shape

    @property
    def _period(self) -> int:
        """Frames from the start of one line to the start of the next."""
        return self._grid[-1] * self.frames_per_position + self.flyback

    def _tick(self, position: int) -> int:
        """How many frames come between the first position's first and this position's."""
        each = self.frames_per_position
        point, repeat = (position, 0) if self.sums else divmod(position, each)
        if self.table is not None:
            return point * each + repeat
        line, column = divmod(point, self._grid[-1])
        return line * self._period + column * each + repeat

    def _before(self, tick: int) -> int:
        """How many positions have had their frame at some tick."""
        line, column = divmod(max(0, tick), self._period)
        length = self._grid[-1] * self.frames_per_position
        return min(self._size, line * length + min(column, length))

    def _turned(self, line: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.order == "raster" or len(self._grid) < 2:
            return column
        odd = line % self._grid[-2] % 2 == 1
        return np.where(odd, self._grid[-1] - 1 - column, column)

    def _places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        each = self.frames_per_position
        ticks = numbers - self._origin
        here = (numbers >= self.lead_in + max(0, self.sync_offset)) & (ticks >= 0)
        if self.table is not None:
            visit, repeat = np.divmod(ticks, each)
            here &= visit < len(self.table.entries)
            point = self.table.entries[np.where(here, visit, 0)]
            here &= point >= 0
        else:
            line, rest = np.divmod(ticks, self._period)
            column, repeat = np.divmod(rest, each)
            here &= column < self._grid[-1]
            point = line * self._grid[-1] + self._turned(line, column)
        found = point if self.sums else point * each + repeat
        return np.where(here & (found < self._size), found, NOWHERE)

    @classmethod
    def fit(cls, frames: int | None, shape: Sequence[int] | None, sync_offset: int = 0) -> Scan:
        """The raster scan for a number of frames, from what the user said of its shape.

        Parameters
        ----------
        frames : int or None
            How many frames there are or were promised; None when nobody knows.
        shape : sequence of int or None
            The scan shape, with at most two ``-1`` for axes to be worked out; None for a
            square if ``frames`` is a square number, else one line.
        sync_offset : int
            As in `Scan`.

        Raises
        ------
        ScanError
            If the shape leaves an axis open and the frames do not say how long it is.
        """
        if shape is None:
            return cls(guesses(frames)[0].shape, sync_offset)
        return cls(fill(frames, shape), sync_offset)
