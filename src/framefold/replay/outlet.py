"""Outlet: where a recording leaves by, as from a detector."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from framefold.faults.faulty_series import Reboot, Stall
from framefold.replay.faulty_replay import TimedStep
from framefold.replay.pace import Pace

STEP = 0.05
"""Time between looks at whether to stop [s]."""


class Outlet(ABC):
    """Sends messages to whoever connects.

    Attributes
    ----------
    endpoint : str
        Where receivers connect.
    stopping : threading.Event
        Set to have `send` return soon.
    """

    endpoint: str

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def send(self, messages: Iterable[TimedStep], pace: Pace) -> int:
        """Send message after message, from when somebody listens.

        Parameters
        ----------
        messages : iterable of TimedStep
            Messages, and what happens between them.
        pace : Pace

        Returns
        -------
        int
            How many went out.
        """
        sent, began, before, start, due = 0, 0.0, 0.0, 0.0, 0.0
        for step in messages:
            if isinstance(step, Stall | Reboot):
                self._pause(step)
                began += step.seconds
                continue
            parts, recorded = step
            if recorded is not None and recorded < before:
                start = due  # it begins again
            before = recorded or 0.0
            due = (0.0 if pace.rate is not None else start) + pace.due(sent, recorded)
            if sent and not pace.is_free:
                self._wait_until(began + due)
            if not self._push(parts):
                break
            began = began or time.monotonic()
            sent += 1
        return sent

    def _pause(self, step: Stall | Reboot) -> None:
        if isinstance(step, Stall):
            self.stopping.wait(step.seconds)
        else:
            self._reboot(step.seconds)

    def _wait_until(self, moment: float) -> None:
        # below a millisecond we would be late more often than early; the next one catches up
        while (left := moment - time.monotonic()) > 1e-3 and not self.stopping.is_set():
            self.stopping.wait(min(left, STEP))

    @abstractmethod
    def _push(self, parts: Sequence[bytes | memoryview]) -> bool:
        """Whether the message went out; waits for somebody who takes it."""

    @abstractmethod
    def _reboot(self, seconds: float) -> None:
        """Close all connections, and listen again at the same address after a while."""

    @abstractmethod
    def close(self, linger: float = 60.0) -> None:
        """Stop, and give what was sent so many seconds to go out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(0 if error else 60.0)
