"""MessageLog: messages into wire logs, one for each series; a full disk ends only this."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError, FramefoldError, ProtocolError
from framefold.live.counters import Count
from framefold.live.wire_log_state import LOGGING, OFF, STOPPED, WAITING, WireLogNews
from framefold.protocols import Arrived, Part, Started, WireProtocol, recognise
from framefold.protocols.batch import Messages
from framefold.record.plan import folder_of, free_name
from framefold.wirelog import LogWriter

log = logging.getLogger(__name__)

GIB = 1 << 30
_ENDING = "_wire.fflog"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How messages are logged.

    Parameters
    ----------
    directory : str
        Folder for the logs; ``{date}`` in it becomes the day. Made where it is missing.
    source : str
        Where the messages come from, for whoever reads the log.
    min_free_bytes : int
        Logging ends when the disk has less room than that [bytes].
    flush_seconds : float
        How often messages are made safe from our own death [s].
    """

    directory: str
    source: str
    min_free_bytes: int = 1 << 30
    flush_seconds: float = 0.2


class MessageLog:
    """Writes the messages of a connection.

    Parameters
    ----------
    settings : LogSettings
    free_bytes : callable
        How much room a folder's disk has [bytes].
    counts : ndarray of int64, optional
        The receiver's counters; messages and bytes of all logs are counted there, and
        ``LOG_OFF`` says whether the next series is logged.
    tell : callable
        Is given the news when a log is begun, when logging fails, and when it is switched off.
    """

    def __init__(
        self,
        settings: LogSettings,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        *,
        counts: NDArray[np.int64] | None = None,
        tell: Callable[[WireLogNews], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._free_bytes = free_bytes
        self._counts = np.zeros(max(Count) + 1, np.int64) if counts is None else counts
        self._tell = tell
        self._is_on = not self._counts[Count.LOG_OFF]
        self._news = WireLogNews(WAITING if self._is_on else OFF)
        self._counted = 0, 0  # messages and bytes of the log at hand that are in the counts
        self._folder = folder_of(settings.directory)
        self._writer: LogWriter | None = None
        self._language: WireProtocol | None = None
        self._series: str | None = None  # announced, and no frame since
        self._flushed = time.monotonic()
        self._unsafe = False  # whether something was written since
        self.failure = ""
        """Why logging ended, if it did; it is tried again when switched off and on."""

    @property
    def path(self) -> Path | None:
        """The log that is being written."""
        return None if self._writer is None else self._writer.path

    def write(self, parts: Sequence[Part]) -> None:
        """Log a message; a header begins a new log, if one is wanted then."""
        series = self._begun(parts)
        if self.failure or not self._is_on:
            return
        try:
            if series is not None or self._writer is None:
                self._open(series or "")
            self._append(parts)
            self._count()
        except (OSError, FramefoldError) as error:
            self._fail(error)

    def write_many(self, messages: Messages, count: int) -> None:
        """Log the first so many of some messages, which are images."""
        if count:
            self._series = None  # frames came
        if self.failure or not self._is_on:
            return
        memory, parts = messages.memory.data, messages.parts
        first = messages.first[: count + 1].tolist()
        rows = parts[first[0] : first[-1]].tolist()
        try:
            for a, b in pairwise(first):
                of_this = rows[a - first[0] : b - first[0]]
                self._append([memory[start : start + size] for start, size in of_this])
            self._count()
        except (OSError, FramefoldError) as error:
            self._fail(error)

    def _append(self, parts: Sequence[Part]) -> None:
        assert self._writer is not None
        self._writer.write(parts, time.monotonic_ns(), time.time_ns())
        self._unsafe = True

    def _count(self) -> None:
        assert self._writer is not None
        messages, nbytes = self._counted
        self._counted = self._writer.messages, self._writer.nbytes
        self._counts[Count.LOGGED_MESSAGES] += self._counted[0] - messages
        self._counts[Count.LOGGED_BYTES] += self._counted[1] - nbytes

    def _begun(self, parts: Sequence[Part]) -> str | None:
        """The series that a message announces, if it does."""
        try:
            if self._language is None or not self._language.understands(parts[0]):
                self._language = recognise(parts[0])
            events = self._language.feed(parts)
        except ProtocolError:
            return None  # logged as it is; the receiver says what is wrong with it
        series = next((event.series for event in events if isinstance(event, Started)), None)
        if series is not None and series != self._series:
            # a header that is sent again before the first frame begins nothing
            self._look_at_switch()
            self._series = series
        if any(isinstance(event, Arrived) for event in events):
            self._series = None
        return series

    def _look_at_switch(self) -> None:
        """A series begins: it is logged as a whole, or not at all."""
        self._is_on = not self._counts[Count.LOG_OFF]
        if self._is_on or self._news.state == OFF:
            return
        self.close()
        self.failure = ""
        self._news = replace(self._news, state=OFF, reason="")
        log.info("messages not logged any more, as was asked for")
        self._tell(self._news)

    def _open(self, series: str) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._check_room()
        name = free_name(self._folder, series, _ENDING)
        facts = {"source": self._settings.source, "series": series, "begun": time.time()}
        self._writer = LogWriter(self._folder / f"{name}{_ENDING}", facts)
        log.info("logging messages file=%s", self._writer.path)
        self._counted = 0, 0
        self._news = WireLogNews(
            LOGGING,
            file=str(self._writer.path),
            messages_before=int(self._counts[Count.LOGGED_MESSAGES]),
            bytes_before=int(self._counts[Count.LOGGED_BYTES]),
        )
        self._count()
        self._tell(self._news)

    def _check_room(self) -> None:
        free = self._free_bytes(self._folder)
        if free < self._settings.min_free_bytes:
            raise DataError(f"{self._folder} has only {free / GIB:.2f} GiB left")

    def patience(self) -> float | None:
        """How long may be waited before something must be made safe [s]; None for ever."""
        if not self._unsafe or self._writer is None:
            return None
        return max(0.0, self._flushed + self._settings.flush_seconds - time.monotonic())

    def look_at_clock(self) -> None:
        """Make safe what was written, if it is time."""
        if self._writer is None or self.patience() != 0.0:
            return
        self._flushed, self._unsafe = time.monotonic(), False
        try:
            self._writer.flush()
            self._check_room()
        except (OSError, FramefoldError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = f"messages are not logged any more: {error}"
        log.error("%s folder=%s", self.failure, self._folder)
        self.close()
        self._news = replace(self._news, state=STOPPED, reason=self.failure)
        self._tell(self._news)

    def close(self) -> None:
        """Finish the log."""
        writer = self._writer
        if writer is None:
            return
        try:
            writer.close()
        except OSError as error:
            log.error("log not finished file=%s error=%s", writer.path, error)
        self._count()
        self._writer = None
