"""ReplayTransport: a recording in the place of a detector's connection."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable, Iterator, Sequence

from framefold.errors import FramefoldError
from framefold.faults.faulty_series import Reboot, Stall
from framefold.live.transport import Transport
from framefold.replay.faulty_replay import Timed, TimedStep
from framefold.replay.pace import Pace

log = logging.getLogger(__name__)

_LONGEST_WAIT = 3600.0  # the poller counts milliseconds in an int [s]


class ReplayTransport(Transport):
    """Gives messages when they are due; never drops one.

    Parameters
    ----------
    messages : iterator of TimedStep
    pace : Pace
    clock : callable
        The time by a clock that never goes back [s].
    """

    def __init__(
        self,
        messages: Iterator[TimedStep],
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._messages = messages
        self._pace = pace
        self._clock = clock
        self._poller = select.poll()
        self._began: float | None = None
        self._count = 0
        self._round = 0.0  # when the recording began that is played now, since the first one [s]
        self._before = 0.0  # when the message before was recorded
        self._last_due = 0.0
        self._next: tuple[Sequence[bytes | memoryview], float] | None = None
        self._pause_until = 0.0  # by the clock: nothing comes before that
        self._rebooting = False  # whether the pause is one without a connection
        self._closed = False
        self.is_exhausted = False
        """Whether all messages were given."""
        self._said = False
        self._draw()

    @property
    def connected(self) -> bool:  # type: ignore[override]
        """Whether the detector that is played is there."""
        away = self._rebooting and self._clock() < self._pause_until
        return not (self._closed or away)

    def _message(self) -> Timed:
        """The next message; what happens before it is noted."""
        while isinstance(step := next(self._messages), Stall | Reboot):
            self._pause_until = max(self._pause_until, self._clock()) + step.seconds
            self._rebooting = isinstance(step, Reboot)
            if self._began is not None:
                self._began += step.seconds  # the pace goes on where it was
        return step

    def _draw(self) -> None:
        try:
            parts, recorded = self._message()
        except StopIteration:
            self._next, self.is_exhausted = None, True
            return
        except FramefoldError as error:
            if not self._count:
                raise  # nothing was played yet: whoever opened it should hear of it
            log.error("replay broken off after messages=%d error=%s", self._count, error)
            self._next, self.is_exhausted = None, True
            return
        if recorded is not None and recorded < self._before:
            self._round = self._last_due  # it begins again
        self._before = recorded or 0.0
        base = 0.0 if self._pace.rate is not None else self._round
        self._last_due = base + self._pace.due(self._count, recorded)
        self._count += 1
        self._next = (parts, self._last_due)

    def _missing(self) -> float:
        """How long until the next message is due [s]."""
        if self._next is None:
            return _LONGEST_WAIT
        pause = max(0.0, self._pause_until - self._clock()) if self._pause_until else 0.0
        if self._began is None or self._pace.is_free:
            return pause
        return max(pause, self._began + self._next[1] - self._clock())

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        """Wait for orders, or until a message is due."""
        self._poller.register(control, select.POLLIN)
        if self.is_exhausted and not self._said:
            self._said = True  # once, so that it is noticed though nothing comes any more
            return False, False
        limit = _LONGEST_WAIT if seconds is None else min(seconds, _LONGEST_WAIT)
        if data:
            limit = min(limit, self._missing())
        ready = bool(self._poller.poll(int(limit * 1000 + 0.999)))
        return ready, data and not self._missing()

    def receive(self) -> Sequence[bytes | memoryview] | None:
        """The parts of the next message, if it is due."""
        if self._next is None or self._missing():
            return None
        if self._began is None:
            self._began = self._clock()
        parts = self._next[0]
        self._draw()
        return parts

    def close(self) -> None:
        """Nothing to leave."""
        self._closed = True
