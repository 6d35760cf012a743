"""Publication: the newest snapshot, who wants a newer one, and who is told of each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framefold.core.snapshot import Snapshot

log = logging.getLogger(__name__)

SNAPSHOT_SECONDS = 0.02
"""Shortest time between two snapshots [s]."""

SNAPSHOT_SHARE = 0.25
"""No more of the folding thread's time than this is spent on making them."""

Watcher = Callable[[Snapshot], None]


class Publication:
    """Hands out the snapshots of a run; making them is somebody else's work.

    Parameters
    ----------
    first : Snapshot
        What there is to be seen before anything happened.
    changed : threading.Condition
        Guards everything here; notified with each snapshot.
    """

    def __init__(self, first: Snapshot, changed: threading.Condition) -> None:
        self.latest = first  # written by: folding thread; replaced, never changed
        self._changed = changed
        self._watchers: list[Watcher] = []
        self._wanted = False
        self._making = False
        self._made = time.monotonic()
        self._pause = SNAPSHOT_SECONDS  # after that one

    def ask(self, *, moved: bool) -> bool:
        """Want a fresh snapshot; called under the condition.

        Parameters
        ----------
        moved : bool
            Whether there is anything that `latest` does not show.

        Returns
        -------
        bool
            Whether one will come.
        """
        if not moved:
            return self._making  # one that has it all is being made
        self._wanted = True
        return True

    def patience(self, *, moved: bool) -> float | None:
        """How long to wait before a snapshot is due [s]; 0 when it is, None when none is."""
        if not self._wanted or not moved:
            return None
        return max(0.0, self._made + self._pause - time.monotonic())

    @contextmanager
    def making(self) -> Iterator[None]:
        """While the context lasts a snapshot is made, which everybody who asked will get."""
        with self._changed:
            # first of all: who asks while the picture is made wants what comes after it
            self._wanted = False
            self._making = True
        began = time.monotonic()
        try:
            yield
        finally:
            self._making = False
            self._made = time.monotonic()
            took = self._made - began
            self._pause = max(SNAPSHOT_SECONDS, took * (1 / SNAPSHOT_SHARE - 1))

    def show(self, snapshot: Snapshot) -> None:
        """Replace the latest, and tell everybody who watches."""
        with self._changed:
            self.latest = snapshot
            watchers = tuple(self._watchers)
            self._changed.notify_all()
        for watcher in watchers:
            try:
                watcher(snapshot)
            except Exception as error:
                # a viewer, whatever happened to it, is no obstacle to a measurement
                log.exception("watcher raised error=%s", error)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Be told of every snapshot; what is returned ends it."""
        with self._changed:
            self._watchers.append(watcher)

        def forget() -> None:
            with self._changed:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)

        return forget
