"""Seats: where the worker processes of a pool are, and whose turn it is to use them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from framefold.core.pulse import PULSE_BYTES, SINCE, WHERE, pulse_in
from framefold.engine.limits import Limits
from framefold.errors import RunFailedError, UDFRunCancelled
from framefold.processes.launcher import Child, Launcher
from framefold.processes.memory import private_bytes
from framefold.processes.segment import Attached, Segment

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
    watched : Segment
        Where it writes its pulse.
    attached : Attached
        Its memory, as far as it was looked at.
    """

    number: int
    child: Child
    watched: Segment
    attached: Attached = field(default_factory=Attached)
    _pulse: memoryview = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._pulse = self.watched.bytes.data.cast("B").cast("q")

    @property
    def since(self) -> float | None:
        """When it began with what it is at, by the machine's monotonic clock [s]; None while it
        waits.
        """
        began = self._pulse[SINCE]
        return began / 1e9 if began else None

    @property
    def where(self) -> int:
        """Number of the UDF whose code it runs, or `SHARED`; also what was so when it died."""
        return self._pulse[WHERE]

    @property
    def private_bytes(self) -> int:
        """Memory it has for itself [bytes]."""
        return private_bytes(self.child.pid)


class Seats:
    """Worker processes; one run uses them at a time.

    Parameters
    ----------
    launcher : Launcher
        Where they come from.
    workers : int
        How many.
    limits : Limits, optional
        What each may take.
    clock : callable
        The time by the machine's monotonic clock [s].

    Raises
    ------
    RunFailedError
        If they cannot be started.
    """

    def __init__(
        self,
        launcher: Launcher,
        workers: int,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or Limits()
        self.clock = clock
        # written by: the user's folding thread, both
        self.replaced = 0
        self.last_loss = ""
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
        watched = Segment.create(PULSE_BYTES)
        pulse_in(watched.bytes.data)
        try:
            child = self._launcher.spawn(f"worker-{number}", WORKER, watched.path, watched.size)
        except BaseException:
            watched.close()
            raise
        seat = self._seats[number] = Seat(number, child, watched)
        return seat

    def remove(self, seat: Seat, *, telling: bool = False) -> str:
        """End a worker, if it is not dead already; how it ended.

        Parameters
        ----------
        seat : Seat
        telling : bool
            Whether it writes to its stderr first where it is.
        """
        del self._seats[seat.number]
        seat.attached.close()
        seat.watched.close()
        launcher = self._launcher
        return launcher.end_telling(seat.child) if telling else launcher.reap(seat.child)

    def note_loss(self, what: str) -> None:
        """Remember why a worker had to be replaced, for status pages."""
        self.replaced += 1
        self.last_loss = what

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
