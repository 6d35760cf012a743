"""Process pool: workers in processes of their own; a dead one is replaced, its block redone."""

from __future__ import annotations

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

    Raises
    ------
    RunFailedError
        If they cannot be started.
    """

    in_this_thread = False
    threads_per_worker = 1  # the workers are the parallelism

    def __init__(self, launcher: Launcher, workers: int) -> None:
        self.workers = workers
        self._seats = Seats(launcher, workers)

    def pids(self) -> tuple[int, ...]:
        """Process numbers of the workers."""
        return tuple(seat.child.pid for seat in self._seats.all())

    def session(self, spec: RunSpec) -> Session:
        """Use the workers for one run; its start waits while another run uses them."""
        return ProcessSession(self._seats, spec)

    def close(self) -> None:
        """End the workers, once the run that uses them is over."""
        self._seats.close()
