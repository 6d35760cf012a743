"""Detector: a simulated SIMPLON detector, armed and triggered like a real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from framefold_simulators import jungfraujoch, merlin, plain, simplon_v1, simplon_v2
from framefold_simulators.blobs import Blobs
from framefold_simulators.encode import BLOCK_BYTES
from framefold_simulators.faults import Faults, Order
from framefold_simulators.faulty_series import FaultySeries, Step
from framefold_simulators.language import Language
from framefold_simulators.outgoing import Outgoing
from framefold_simulators.series import Series
from framefold_simulators.sources import Source

ProtocolName = Literal["simplon-v1", "simplon-v2", "plain", "jungfraujoch", "merlin"]
LANGUAGES: dict[str, Language] = {
    "simplon-v1": simplon_v1,
    "simplon-v2": simplon_v2,
    "plain": plain,
    "jungfraujoch": jungfraujoch,
    "merlin": merlin,
}
_MISTAKEN: dict[str, np.dtype[Any]] = {
    "uint8": np.dtype("u2"),
    "uint16": np.dtype("u4"),
    "uint32": np.dtype("u2"),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a detector does in every series.

    Parameters
    ----------
    protocol : str
        ``simplon-v1``, ``simplon-v2``, ``plain``, ``jungfraujoch`` or
        ``merlin``.
    source : Source
        The frames.
    rate : float or None
        Frames per second; as fast as they are taken when None.
    pool : int or None
        Distinct frames prepared beforehand, see `Blobs`.
    block_bytes : int
        Uncompressed block length of compressed frames [bytes].
    faults : Faults
        What goes wrong.
    """

    protocol: ProtocolName
    source: Source
    rate: float | None = None
    pool: int | None = None
    block_bytes: int = BLOCK_BYTES
    faults: Faults = field(default_factory=Faults)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a series went.

    Parameters
    ----------
    series : int
        Its number.
    unique_id : str
        Its identity in stream v2.
    frames : int
        Frames announced.
    sent : int
        Image messages that went out; faults and cancelling count.
    seconds : float
        From the first image to the last [s].
    complete : bool
        Whether it went to its end without being stopped or broken off.
    lost, damaged : tuple of int
        Frames that faults kept from the client; that they changed on the way.
    """

    series: int
    unique_id: str
    frames: int
    sent: int
    seconds: float
    complete: bool
    lost: tuple[int, ...] = ()
    damaged: tuple[int, ...] = ()


class _Thresholded:
    """A source as a higher threshold sees it: fewer counts, by a power of two."""

    def __init__(self, source: Source, shift: int) -> None:
        self._source, self._shift = source, shift
        self.scan, self.sig_shape, self.dtype = source.scan, source.sig_shape, source.dtype

    def frames(self, first: int, count: int) -> NDArray[Any]:
        found: NDArray[Any] = self._source.frames(first, count) >> self.dtype.type(self._shift)
        return found


class Detector:
    """One detector: settings, a state, and a thread while a series is being taken.

    Parameters
    ----------
    outlet : Outgoing
        Where the messages go.
    recipe : Recipe
        What every series is made of.
    series : Series
        The settings a series starts with; its number is that of the series before the first.
    finished : callable
        Called with each series' `Finished`, from the detector's thread.
    """

    def __init__(
        self,
        outlet: Outgoing,
        recipe: Recipe,
        series: Series,
        finished: Callable[[Finished], None] = lambda _: None,
    ) -> None:
        self.settings = series  # written by: whoever configures, between series
        self.state = "idle"  # written by: the commands, and the thread at its end
        self._outlet = outlet
        self._recipe = recipe
        self._language = LANGUAGES[recipe.protocol]
        self._finished = finished
        self._lock = threading.Lock()  # commands come one at a time
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._triggers = threading.Semaphore(0)
        self._triggered = threading.Semaphore(0)
        self._blobs: dict[tuple[str, int], Blobs] = {}
        self._first = series
        self._taken = 0  # written by: the thread
        self.error: Exception | None = None  # written by: the thread; why it could not go on
        self.prepare()

    @property
    def number(self) -> int:
        """Of the series being taken, or of the last one."""
        return self.settings.number

    @property
    def is_internal(self) -> bool:
        """Whether a series waits for the trigger command; else the scan engine triggers."""
        return self.settings.trigger_mode in ("ints", "inte")

    def prepare(self) -> None:
        """Encode what is to be encoded beforehand."""
        for channel in range(len(self.settings.channels)):
            self._encoded(channel)

    def arm(self) -> int:
        """Announce a series; without internal triggers its frames follow at once.

        Returns
        -------
        int
            Number of the series.

        Raises
        ------
        RuntimeError
            If a series is being taken.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise RuntimeError(f"series {self.number} is not over; disarm first")
            self.settings = replace(self.settings, number=self.number + 1)
            self._stop = threading.Event()
            self._triggers, self._triggered = threading.Semaphore(0), threading.Semaphore(0)
            self.state = "ready"
            self._thread = threading.Thread(target=self._guarded, name="detector", daemon=True)
            self._thread.start()
            return self.number

    def trigger(self) -> None:
        """Take the frames of one trigger; returns when they are sent.

        Raises
        ------
        RuntimeError
            If no series waits for triggers.
        """
        thread = self._thread
        if thread is None or not thread.is_alive() or not self.is_internal:
            raise RuntimeError("no series waits for a trigger; arm in trigger mode ints or inte")
        self._triggers.release()
        while thread.is_alive() and not self._triggered.acquire(timeout=0.05):
            pass

    def stop(self) -> int:
        """Disarm, cancel or abort: end the series, if one is being taken, after this frame.

        Returns
        -------
        int
            Number of the series.
        """
        with self._lock:
            self._stop.set()
            if self._thread is not None:
                self._thread.join()
            return self.number

    def wait(self, timeout: float | None = None) -> bool:
        """Whether no series is being taken, at the latest after ``timeout`` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _guarded(self) -> None:
        """Thread: send one series; what goes wrong is kept for whoever looks after us."""
        try:
            self._take()
        except Exception as error:  # noqa: BLE001 - a file that cannot be read, for instance
            self.error = error
            self.state = "error"

    def _take(self) -> None:
        """Send one series, and the one that follows if a fault breaks it off."""
        self._taken += 1
        faults = self._recipe.faults
        what = self._send(self.settings, FaultySeries(faults, self._taken))
        if what == "reboot":
            # the count begins again; what tells the series apart does not
            moved = self._first.epoch_ms + 1000 * self._taken
            self.settings = replace(self.settings, number=self._first.number, epoch_ms=moved)
        if what in ("rearm", "reboot") and not self._is_told():
            self._taken += 1
            self.settings = replace(self.settings, number=self.number + 1)
            self.state = "ready"
            self._send(self.settings, FaultySeries(faults.without_moments(), self._taken))

    def _send(self, series: Series, faulty: FaultySeries) -> str:
        """Send one series; what broke it off, if anything did."""
        language, outlet = self._language, self._outlet
        order = self._recipe.faults.order(series.count)
        nimages, _ = series.triggers
        sent, begin = 0, time.monotonic()
        count = faulty.announced(series.count)
        announced = series if count == series.count else replace(series, frames=count)
        outlet.send(faulty.opening(language.header(announced)), None, self._stop)
        if not self._is_told():
            self.state = "acquire"
            for portion in self._portions(order, nimages):
                images = self._images(series, portion, faulty)
                sent += outlet.send(images, self._recipe.rate, self._stop)
                self._triggered.release()
                if faulty.interrupted:
                    break
        seconds = time.monotonic() - begin
        complete = not (self._is_told() or faulty.interrupted)
        reason = "complete" if complete else "aborted"
        closing = [
            step
            for step in faulty.closing(language.end(series, faulty.frames, reason))
            if step != []
        ]
        complete = complete and not faulty.interrupted
        if self._is_told():
            # also after cancel and abort, but then without waiting for a client that may be gone
            for message in closing:
                if isinstance(message, list) and not outlet.offer(message):
                    break
        else:
            outlet.send(closing, None, self._stop)
        self.state = "idle"
        lost, damaged = tuple(faulty.lost), tuple(faulty.damaged)
        finished = Finished(
            series.number, series.unique_id, series.count, sent, seconds, complete, lost, damaged
        )
        self._finished(finished)
        return faulty.interrupted

    def _is_told(self) -> bool:
        return self._stop.is_set() or self._outlet.stopping.is_set()

    def _portions(self, order: Order, nimages: int) -> Iterator[Order]:
        """The frames in the portions in which they are triggered."""
        if not self.is_internal:
            yield order
            return
        for first in range(0, len(order), nimages):
            while not self._triggers.acquire(timeout=0.05):
                if self._is_told():
                    return
            yield order[first : first + nimages]

    def _images(self, series: Series, order: Order, faulty: FaultySeries) -> Iterator[Step]:
        channels = [self._encoded(i) for i in range(len(series.channels))]
        wrong = replace(series, dtype=_MISTAKEN[series.dtype.name])

        def image(frame: int, series: Series = series) -> list[bytes]:
            return self._language.image(series, frame, [blobs[frame] for blobs in channels])

        good = ((int(frame), image(int(frame))) for frame in order)
        return faulty.images(good, lambda frame: image(frame, wrong))

    def _encoded(self, channel: int) -> Blobs:
        """The blobs of a channel in the compression that is set."""
        codec = self._language.CODECS[self.settings.compression]
        found = self._blobs.get((codec, channel))
        if found is None:
            source = self._recipe.source
            if channel:
                source = _Thresholded(source, channel)
            found = Blobs(source, codec, self._recipe.pool, self._recipe.block_bytes)
            self._blobs[(codec, channel)] = found
        return found
