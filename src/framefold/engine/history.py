"""History: the last runs, for those who come late."""

from __future__ import annotations

import threading
from collections import OrderedDict

from framefold.engine.run import Run

LATEST = "latest"
"""Stands for the newest run wherever an ident is asked for."""


class History:
    """The last runs; older ones are forgotten.

    Parameters
    ----------
    keep : int
        How many.
    """

    def __init__(self, keep: int = 50) -> None:
        self._keep = max(1, keep)
        self._runs: OrderedDict[str, Run] = OrderedDict()  # written by: whoever starts runs
        self._lock = threading.Lock()

    def add(self, run: Run) -> None:
        """A new run; it is the latest from now on."""
        with self._lock:
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
