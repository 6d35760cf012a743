"""Connection: a way to one detector; waits for acquisitions, and takes them."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Literal, Self, overload

from framefold.connections.pending import PendingAcquisition
from framefold.core.reader import Reader
from framefold.errors import RunFailedError
from framefold.live.announcement import ScanChoice

ASYNC_STEP_SECONDS = 0.2
"""How long a thread waits on behalf of an event loop before it looks whether it still should."""


class Connection(ABC):
    """A way to one detector; a context manager that closes it."""

    def __init__(self) -> None:
        self._given: PendingAcquisition | None = None  # to the user, and perhaps not run

    @abstractmethod
    def next_pending(self, timeout: float | None) -> PendingAcquisition | None:
        """What waits to be run, the same until it is taken or left; waits up to ``timeout`` s."""

    @abstractmethod
    def take(self, pending: PendingAcquisition, choice: ScanChoice) -> Reader:
        """The frames of a pending acquisition.

        Raises
        ------
        RunFailedError
            If they cannot be had any more.
        """

    @abstractmethod
    def leave(self, pending: PendingAcquisition) -> None:
        """Let a pending acquisition pass, if it is not taken."""

    @abstractmethod
    def wait_ready(self) -> None:
        """Wait until frames would reach us; not for ever."""

    @abstractmethod
    def close(self) -> None:
        """Leave the detector; a run that goes on ends with what it has. May be repeated."""

    @property
    @abstractmethod
    def is_closed(self) -> bool:
        """Whether it was closed."""

    @overload
    def wait_for_acquisition(
        self, timeout: float | None = ..., *, sync: Literal[True] = ...
    ) -> PendingAcquisition | None: ...
    @overload
    def wait_for_acquisition(
        self, timeout: float | None = ..., *, sync: Literal[False]
    ) -> Awaitable[PendingAcquisition | None]: ...
    def wait_for_acquisition(
        self, timeout: float | None = 10.0, *, sync: bool = True
    ) -> PendingAcquisition | Awaitable[PendingAcquisition | None] | None:
        """Wait until somebody arms the detector.

        What was given before and not run since is left: its frames pass.

        Parameters
        ----------
        timeout : float or None
            Longest wait [s]; None for ever.
        sync : bool
            Whether to wait here; otherwise the answer is awaitable.

        Returns
        -------
        PendingAcquisition or None
            What was announced, for ``Context.make_acquisition``; None when the time is up, or
            the connection was closed meanwhile.

        Raises
        ------
        RunFailedError
            If the connection is closed already.
        """
        self.check_open()
        if self._given is not None:
            self.leave(self._given)
            self._given = None
        if not sync:
            return self._awaited(timeout)
        self._given = self.next_pending(timeout)
        return self._given

    async def _awaited(self, patience: float | None) -> PendingAcquisition | None:
        end = None if patience is None else time.monotonic() + patience
        found = None
        # in steps: a thread cannot be told that nobody waits for it any more
        while found is None and not self.is_closed:
            left = ASYNC_STEP_SECONDS if end is None else end - time.monotonic()
            step = max(0.0, min(left, ASYNC_STEP_SECONDS))
            found = await asyncio.to_thread(self.next_pending, step)
            if left <= 0:
                break
        self._given = found
        return found

    def check_open(self) -> None:
        """Raise if it was closed.

        Raises
        ------
        RunFailedError
        """
        if self.is_closed:
            raise RunFailedError(f"{self!r} is closed; open another one")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
