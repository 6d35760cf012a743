"""Series: which detector series is the current acquisition, and what is stale. No I/O."""

from __future__ import annotations

from collections import deque
from enum import Enum

REMEMBERED = 64
"""Ended series whose stragglers are still recognised."""


class Belongs(Enum):
    """Where a message belongs."""

    CURRENT = "current"
    STALE = "stale"
    UNKNOWN = "unknown"


class SeriesLedger:
    """Tells the series at hand from those that are over."""

    def __init__(self) -> None:
        self.current: str | None = None
        self._ended: deque[str] = deque(maxlen=REMEMBERED)

    def start(self, series: str) -> str | None:
        """A series starts.

        Returns
        -------
        str or None
            The series it interrupts, which must be ended first.
        """
        interrupted = self.current
        if interrupted is not None:
            self._ended.append(interrupted)
        if series in self._ended:
            # a detector that was restarted counts from the beginning again
            self._ended.remove(series)
        self.current = series
        return interrupted

    def end(self) -> None:
        """The current series is over."""
        if self.current is not None:
            self._ended.append(self.current)
            self.current = None

    def of(self, series: str) -> Belongs:
        """Where a message of some series belongs."""
        if series == self.current:
            return Belongs.CURRENT
        return Belongs.STALE if series in self._ended else Belongs.UNKNOWN
