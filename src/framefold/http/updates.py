"""Waiting for snapshots: publications of the folding thread, bridged to the event loop.

However many clients wait on a run, it is watched once, and asked for a fresh snapshot at most
every so often on behalf of all of them. When the last one leaves, nothing is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framefold.core.snapshot import Snapshot
from framefold.http.ports import Run
from framefold.http.problems import Problem

log = logging.getLogger(__name__)

FRESH_WITHIN = 0.25
"""How long a request waits for a snapshot fresher than the latest [s]."""

ASK_AGAIN = 0.1
"""How often a watched run is asked for a fresh snapshot at least [s]."""

ASK_SHARE = 0.5
"""And as part of the time after which results should move."""

MAX_HELD = 512
"""How many requests may wait at the same time; each costs a connection and little memory."""


class _Watch:
    """One run, watched for all who wait on it. Used on the event loop only, but for one call."""

    def __init__(self, run: Run, loop: asyncio.AbstractEventLoop, ask_again: float) -> None:
        self._run = run
        self._ask_again = ask_again
        self._loop = loop
        self._moved = asyncio.Event()  # replaced at each publication: no waiter can miss one
        self._seen = run.latest
        self._unwatch = run.watch(self._published)
        self._timer = loop.call_later(self._ask_again, self._ask)
        self.waiters = 0

    def _published(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - the waiters look at latest
        """Called from the folding thread."""
        try:
            self._loop.call_soon_threadsafe(self.wake)
        except RuntimeError:
            # the loop was closed while the run goes on; the folding thread must not hear of it
            log.debug("publication after the end of the event loop run=%s", self._run.ident)

    def _ask(self) -> None:
        # a run that made no promise (want() was False) must be asked again once it has moved
        self._run.want()
        if self._run.latest is not self._seen:
            self.wake()
        self._timer = self._loop.call_later(self._ask_again, self._ask)

    def wake(self) -> None:
        self._seen = self._run.latest
        self._moved.set()
        self._moved = asyncio.Event()

    async def moved(self, within: float) -> bool:
        """Wait for the next publication; False when there was none in time."""
        try:
            await asyncio.wait_for(self._moved.wait(), within)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self._timer.cancel()
        self._unwatch()
        # it knows us: the run and its results would stay until somebody looks for such rings
        del self._unwatch


class Updates:
    """Lets any number of requests wait for a run to move on.

    Parameters
    ----------
    update_seconds : float
        How often results should move [s].
    """

    def __init__(self, update_seconds: float = 0.25) -> None:
        self._ask_again = min(ASK_AGAIN, ASK_SHARE * update_seconds)
        self._watches: dict[str, _Watch] = {}
        self._held = 0
        self._closing = asyncio.Event()

    @property
    def watched(self) -> int:
        """How many runs are watched now."""
        return len(self._watches)

    @property
    def held(self) -> int:
        """How many requests wait now."""
        return self._held

    @property
    def is_closing(self) -> bool:
        """Whether the server is about to stop, so that nobody should wait any more."""
        return self._closing.is_set()

    async def newest(self, run: Run) -> Snapshot:
        """The newest snapshot, waiting `FRESH_WITHIN` at most if a fresher one can be had."""
        before = run.latest
        if before.state.is_final or not run.want():
            return run.latest
        return await self.until(run, lambda s: s.version > before.version, FRESH_WITHIN)

    async def until(self, run: Run, reached: Callable[[Snapshot], bool], within: float) -> Snapshot:
        """Wait until a snapshot is what was waited for, the run has ended, or time is up.

        Parameters
        ----------
        run : Run
            Which one.
        reached : callable
            Whether a snapshot will do; what it raises passes through.
        within : float
            For how long at most [s].

        Returns
        -------
        Snapshot
            The newest one.

        Raises
        ------
        Problem
            ``too-busy`` if too many wait already.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        with self._watching(run) as watch:
            while True:
                # looked at only after watching began: nothing published between is missed
                snapshot = run.latest
                remaining = deadline - loop.time()
                if reached(snapshot) or snapshot.state.is_final:
                    return snapshot
                if self.is_closing or not await watch.moved(max(remaining, 0.0)):
                    return run.latest

    async def pause(self, seconds: float) -> None:
        """Let time pass, unless the server stops."""
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return

    def close(self) -> None:
        """Send everybody who waits home: the server stops."""
        self._closing.set()
        for watch in self._watches.values():
            watch.wake()

    @contextmanager
    def _watching(self, run: Run) -> Iterator[_Watch]:
        if self._held >= MAX_HELD:
            raise Problem(
                "too-busy",
                f"{self._held} requests wait already",
                hint="ask without Prefer: wait, or later",
                headers={"Retry-After": "1"},
            )
        watch = self._watches.get(run.ident)
        if watch is None:
            loop = asyncio.get_running_loop()
            watch = self._watches[run.ident] = _Watch(run, loop, self._ask_again)
        watch.waiters += 1
        self._held += 1
        try:
            yield watch
        finally:
            self._held -= 1
            watch.waiters -= 1
            if watch.waiters == 0:
                del self._watches[run.ident]
                watch.close()
