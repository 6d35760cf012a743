"""Dispatch: which worker gets which block, and what happens to blocks of a dead one. No I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

DEPTH = 2
"""Blocks a worker holds at most: one in work, one to go on with at once."""

LIVES = 2
"""Workers a block may kill before it is set aside."""


@dataclass(slots=True)
class _Seat:
    """One worker's place."""

    tickets: deque[int] = field(default_factory=deque)
    held: int = 0  # results that came but are not folded yet: their memory is not free


@dataclass(frozen=True, slots=True)
class Loss:
    """What the death of a worker means.

    Parameters
    ----------
    redo : tuple of int
        Tickets that another worker gets.
    set_aside : int or None
        The ticket that is given up because it killed its last worker.
    """

    redo: tuple[int, ...]
    set_aside: int | None


class Dispatch:
    """Book-keeping of tickets (blocks in work); every method is called under one lock."""

    def __init__(self, depth: int = DEPTH, lives: int = LIVES) -> None:
        self._depth = depth
        self._lives = lives
        self._seats: dict[int, _Seat] = {}
        self._killed: dict[int, int] = {}  # ticket -> workers it has killed
        self._redo: deque[int] = deque()

    def seat(self, worker: int) -> None:
        """A worker is ready."""
        self._seats[worker] = _Seat()

    def idlest(self) -> int | None:
        """The worker that should get the next new block; None while blocks wait to be redone
        or every worker has enough.
        """
        if self._redo:
            return None
        best = min(self._seats, key=self._load, default=None)
        if best is None or self._load(best) >= self._depth:
            return None
        return best

    def _load(self, worker: int) -> int:
        seat = self._seats[worker]
        return len(seat.tickets) + seat.held

    def assign(self, worker: int, ticket: int) -> None:
        """A worker was given a block."""
        self._seats[worker].tickets.append(ticket)

    def done(self, worker: int, ticket: int) -> bool:
        """A worker finished a block; it must be folded, then `folded`.

        Returns
        -------
        bool
            False if the worker does not hold that ticket: it must not be folded.
        """
        seat = self._seats.get(worker)
        if seat is None or ticket not in seat.tickets:
            return False
        seat.tickets.remove(ticket)
        seat.held += 1
        self._killed.pop(ticket, None)
        return True

    def folded(self, worker: int) -> None:
        """A result of a worker is folded: it may overwrite that memory."""
        seat = self._seats.get(worker)
        if seat is not None:
            seat.held -= 1

    def in_work(self, worker: int) -> int | None:
        """The ticket a worker is at, if it has one."""
        seat = self._seats.get(worker)
        return seat.tickets[0] if seat and seat.tickets else None

    def lost(self, worker: int, *, innocent: bool = False) -> Loss:
        """A worker died. Only the block it worked on is suspected; the others were waiting.

        Parameters
        ----------
        worker : int
        innocent : bool
            Whether that block is not suspected either: a UDF is to blame.
        """
        seat = self._seats.pop(worker)
        if not seat.tickets:
            return Loss((), None)
        suspect = seat.tickets[0]
        if not innocent:
            self._killed[suspect] = self._killed.get(suspect, 0) + 1
        set_aside: int | None = None
        redo = list(seat.tickets)
        if self._killed.get(suspect, 0) >= self._lives:
            set_aside = suspect
            redo.pop(0)
            del self._killed[suspect]
        # the suspect goes last, so that innocent blocks are folded before it may kill again
        elif len(redo) > 1:
            redo.append(redo.pop(0))
        self._redo.extend(redo)
        return Loss(tuple(redo), set_aside)

    def next_redo(self) -> tuple[int, int] | None:
        """A worker without work and the ticket it should redo, if there are both.

        Redone blocks go to idle workers only: a suspect works alone.
        """
        if not self._redo:
            return None
        for worker, seat in self._seats.items():
            if not seat.tickets and not seat.held:
                return worker, self._redo.popleft()
        return None

    @property
    def outstanding(self) -> int:
        """Tickets given out or waiting to be redone."""
        return len(self._redo) + sum(len(seat.tickets) for seat in self._seats.values())
