"""Seats: where the worker processes of a pool are, and whose turn it is to use them."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Protocol

from framefold.errors import RunFailedError, UDFRunCancelled
from framefold.processes.launcher import Child, Launcher
from framefold.processes.segment import Attached

log = logging.getLogger(__name__)

WORKER = "framefold.engine.worker:main"


class User(Protocol):
    """Who may use the workers."""

    @property
    def is_stopped(self) -> bool:
        """Whether it does not want to any more."""


@dataclass(slots=True)
class Seat:
    """A worker as the main process sees it.

    Parameters
    ----------
    number : int
        Its name in the pool; never given again.
    child : Child
        Its process.
    attached : Attached
        Its memory, as far as it was looked at.
    """

    number: int
    child: Child
    attached: Attached = field(default_factory=Attached)


class Seats:
    """Worker processes; one run uses them at a time.

    Parameters
    ----------
    launcher : Launcher
        Where they come from.
    workers : int
        How many.

    Raises
    ------
    RunFailedError
        If they cannot be started.
    """

    def __init__(self, launcher: Launcher, workers: int) -> None:
        self._workers = workers
        self._launcher = launcher
        # guards the two below: who uses the workers, and whether anybody may
        self._turn = threading.Condition()
        self._user: User | None = None
        self._closed = False
        self._next = 0
        # written by: the user's folding thread
        self._seats: dict[int, Seat] = {}
        try:
            self.fill()
        except BaseException:
            self.empty()
            raise

    def __getitem__(self, number: int) -> Seat:
        return self._seats[number]

    def all(self) -> tuple[Seat, ...]:
        """Those there are now."""
        return tuple(self._seats.values())

    def fill(self) -> None:
        """Start workers until there are as many as there should be."""
        while len(self._seats) < self._workers:
            self.add()

    def add(self) -> Seat:
        """Start one more worker."""
        number = self._next
        self._next += 1
        child = self._launcher.spawn(f"worker-{number}", WORKER)
        seat = self._seats[number] = Seat(number, child)
        return seat

    def remove(self, seat: Seat) -> str:
        """End a worker, if it is not dead already; how it ended."""
        del self._seats[seat.number]
        seat.attached.close()
        return self._launcher.reap(seat.child)

    def empty(self) -> None:
        """End all workers, whatever they do."""
        for seat in self.all():
            try:
                self.remove(seat)
            except RunFailedError as error:
                # without its fork server a worker is dead already
                log.info("worker gone worker=%d error=%s", seat.number, error)

    # turns ----------------------------------------------------------------------------------

    def take_turn(self, user: User) -> None:
        """Wait until nobody else uses the workers.

        Raises
        ------
        UDFRunCancelled
            If the user stops while it waits.
        RunFailedError
            If the workers were ended.
        """
        with self._turn:
            self._turn.wait_for(lambda: self._closed or user.is_stopped or self._user is None)
            if self._closed:
                raise RunFailedError("the workers were ended: the pool is closed")
            if user.is_stopped:
                raise UDFRunCancelled("UDF run cancelled while it waited for workers")
            self._user = user

    def end_turn(self) -> None:
        """Let the next one use the workers."""
        with self._turn:
            self._user = None
            self._turn.notify_all()

    def nudge(self) -> None:
        """Have whoever waits for a turn look again whether it still should."""
        with self._turn:
            self._turn.notify_all()

    def close(self) -> None:
        """Let nobody use the workers any more, and end them once the current user is done."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._user is None)
        self.empty()
