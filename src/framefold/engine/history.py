"""History: the last runs, for those who come late."""

from __future__ import annotations

import threading
from collections import OrderedDict

from framefold.engine.run import Run
from framefold.engine.totals import Totals

LATEST = "latest"
"""Stands for the newest run wherever an ident is asked for."""


class History:
    """The last runs; older ones are forgotten, but for what they add to the totals.

    Parameters
    ----------
    keep : int
        How many.
    """

    def __init__(self, keep: int = 50) -> None:
        self._keep = max(1, keep)
        self._runs: OrderedDict[str, Run] = OrderedDict()  # written by: whoever starts runs
        self._lock = threading.Lock()
        self._over = Totals()  # of runs that are over; under the lock, as the next one
        self._open: list[Run] = []  # not yet among them

    def add(self, run: Run) -> None:
        """A new run; it is the latest from now on."""
        with self._lock:
            self._settle()
            self._open.append(run)
            self._runs[run.ident] = run
            self._runs.move_to_end(run.ident)
            while len(self._runs) > self._keep:
                self._runs.popitem(last=False)

    def runs(self) -> tuple[Run, ...]:
        """All that are kept, newest first."""
        with self._lock:
            return tuple(reversed(self._runs.values()))

    def get(self, ident: str) -> Run | None:
        """One run by its ident, or the newest by ``"latest"``; None when it is not kept."""
        with self._lock:
            if ident == LATEST:
                return next(reversed(self._runs.values()), None)
            return self._runs.get(ident)

    def totals(self) -> Totals:
        """What came of all runs so far, also of those that are forgotten; never waits for one."""
        with self._lock:
            self._settle()
            found = self._over
            for run in self._open:
                found = found.plus(run)
            return found

    def _settle(self) -> None:
        """Count runs that are over once and for all; nothing of them changes any more."""
        over = [run for run in self._open if run.state.is_final]
        for run in over:
            self._over = self._over.plus(run)
            self._open.remove(run)
