"""Process pool: workers in processes of their own; a dead one is replaced, its block redone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from framefold.engine.limits import Limits
from framefold.engine.pool import Session
from framefold.engine.process_session import ProcessSession
from framefold.engine.seats import Seats
from framefold.processes.launcher import Launcher
from framefold.udf.spec import RunSpec


class ProcessPool:
    """Workers in processes of their own.

    Parameters
    ----------
    launcher : Launcher
        Where they come from; it outlives the pool.
    workers : int
        How many.
    limits : Limits, optional
        What each may take; one that takes more is replaced.
    clock : callable
        The time by the machine's monotonic clock [s].

    Raises
    ------
    RunFailedError
        If they cannot be started.
    """

    in_this_thread = False
    threads_per_worker = 1  # the workers are the parallelism

    def __init__(
        self,
        launcher: Launcher,
        workers: int,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workers = workers
        self._seats = Seats(launcher, workers, limits, clock)

    @property
    def replaced(self) -> int:
        """How many workers had to be replaced so far."""
        return self._seats.replaced

    @property
    def last_loss(self) -> str:
        """Why the last of them had to be; empty when none had."""
        return self._seats.last_loss

    def pids(self) -> tuple[int, ...]:
        """Process numbers of the workers."""
        return tuple(seat.child.pid for seat in self._seats.all())

    def session(self, spec: RunSpec, names: Sequence[str] = ()) -> Session:
        """Use the workers for one run; its start waits while another run uses them."""
        return ProcessSession(self._seats, spec, names)

    def close(self) -> None:
        """End the workers, once the run that uses them is over."""
        self._seats.close()
