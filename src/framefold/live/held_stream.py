"""HeldStream: a stream whose series wait until somebody says how their scan runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from framefold.core.scan_rule import ScanRule
from framefold.errors import RunFailedError
from framefold.live.announcement import Announcement, ScanChoice
from framefold.live.settings import StreamSettings
from framefold.live.shared_table import with_shared_table
from framefold.live.stream import TO_A_DETECTOR, Link, Listening, LiveReader, Stream
from framefold.processes.launcher import Launcher


class HeldStream(Stream):
    """A connection to a detector whose series are announced first, and then taken or left.

    Until then their frames wait where they are: at the detector, once its queue is full.

    Parameters
    ----------
    launcher : Launcher
        Where the receiver process comes from.
    settings : StreamSettings
        Where to listen, and how.
    listening : Listening
        Who does it.

    Raises
    ------
    ConfigError
        If the receiver cannot listen there.
    """

    def __init__(
        self, launcher: Launcher, settings: StreamSettings, listening: Listening = TO_A_DETECTOR
    ) -> None:
        # written by: who holds the link's following lock
        self._announced: Announcement | None = None  # heard of, not taken yet
        self._laid_out: tuple[ScanRule, ScanRule] | None = None  # of the series taken last
        self._connected = False
        super().__init__(launcher, replace(settings, hold=True), listening)

    def _with_table(self, settings: StreamSettings) -> StreamSettings:
        return settings  # only who takes a series says which scan a table is laid out for

    @property
    def _told(self) -> StreamSettings:
        return replace(self.settings, positions=None)

    def _laid(self, choice: ScanChoice) -> ScanChoice:
        """The choice with the table of its scan: the receiver is never sent a long one."""
        rule = self.settings.chosen(choice).rule
        if rule.positions is None:
            return choice
        known = self._laid_out
        if known is None or not _alike(known[0], rule):
            known = self._laid_out = rule, with_shared_table(rule)
        laid = known[1]
        return replace(choice, nav_shape=laid.nav_shape, positions=laid.positions)

    def wait_connected(self, timeout: float) -> bool:
        """Wait until the detector's socket is there.

        Parameters
        ----------
        timeout : float
            Longest wait [s].

        Returns
        -------
        bool
            Whether it was there.
        """
        self._listen_until(lambda: self._connected, time.monotonic() + timeout)
        return self._connected

    def next_announcement(self, timeout: float | None = None) -> Announcement | None:
        """Wait for a series that can be taken.

        Parameters
        ----------
        timeout : float or None
            Longest wait [s]; None for ever.

        Returns
        -------
        Announcement or None
            The newest one that is not over; the same again until it is taken or left. None
            when the time is up or the stream is closed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._listen_until(lambda: self._announced is not None, deadline)
        return self._announced

    def take(self, announcement: Announcement, choice: ScanChoice) -> LiveReader:
        """Take a series that was announced.

        Parameters
        ----------
        announcement : Announcement
        choice : ScanChoice
            How its scan runs.

        Returns
        -------
        LiveReader
            Its frames.

        Raises
        ------
        RunFailedError
            If it is over, was left, or cannot be received; it says why.
        ScanError
            If positions do not go with what else was said of the scan; it can still be taken.
        """
        choice = self._laid(choice)
        with self._link.followed():
            link = self._link
            if self._announced is announcement:
                self._announced = None
                link.send("take", announcement.ident, choice)
                while (heard := link.receive()) is not None:
                    verb, facts = heard
                    if verb == "started":
                        return LiveReader(link, *facts)
                    if verb in ("refused", "withdrawn"):
                        raise RunFailedError(f"series {announcement.series}: {facts[1]}")
                    self._note(link, verb, facts)
        raise RunFailedError(
            f"series {announcement.series} is not there any more: it was taken or left, another "
            "one began, or the connection was lost; wait for the next one"
        )

    def leave(self, announcement: Announcement) -> None:
        """Let a series pass."""
        with self._link.followed():
            if self._announced is announcement:
                self._announced = None
                self._link.send("leave", announcement.ident)

    def _listen_until(self, found: Callable[[], bool], deadline: float | None) -> None:
        while not self._closing:
            link = self._link
            with link.followed(deadline) as ours:
                # also what is here already: an announcement may have been withdrawn since
                while ours and link.hears(time.monotonic() if found() else deadline):
                    heard = link.receive()
                    if heard is None:
                        break
                    self._note(link, *heard)
                else:
                    return
            self._announced, self._connected = None, False
            self._restart(link)

    def _note(self, link: Link, verb: str, facts: list[Any]) -> None:
        if verb == "announced":
            self._announced = facts[0]
        elif verb == "connected":
            self._connected = True
        elif verb == "withdrawn":
            if self._announced is not None and self._announced.ident == facts[0]:
                self._announced = None
        else:
            super()._note(link, verb, facts)


def _alike(one: ScanRule, other: ScanRule) -> bool:
    """Whether the same positions make the same table by both rules."""
    return one.positions is other.positions and all(
        getattr(one, name) == getattr(other, name) for name in _OF_A_TABLE
    )


_OF_A_TABLE = ("nav_shape", "order", "flyback", "sync_offset", "frames_per_position", "repeats")
