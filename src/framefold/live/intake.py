"""Intake: what becomes of what messages tell. Series begin and end, frames go into the ring."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from framefold.errors import FramefoldError, ProtocolError
from framefold.live.announcement import ScanChoice
from framefold.live.assembler import Verdict
from framefold.live.beginning import Beginning
from framefold.live.collection import Collection
from framefold.live.counters import Count, begin_series, counters, losses
from framefold.live.early import MOST_FRAMES, EarlyFrames
from framefold.live.quarantine import Quarantined
from framefold.live.series import Belongs, SeriesLedger
from framefold.live.settings import StreamSettings
from framefold.protocols import Arrived, Event, Started
from framefold.protocols.batch import Images
from framefold.protocols.events import Part

log = logging.getLogger(__name__)

STRANGERS = 16
"""Frames of a series without a header, and none of the series at hand between them, after which
they are not taken for mislabelled any more."""

END_GRACE_SECONDS = 1.0
"""How long a scan that has all its frames waits for its end message."""

GATHERING_SECONDS = 0.01
"""How long a slot collects frames while nobody else is waiting for a worker. So the last block of
a scan is small, and its result there soon; with frames that come faster than they are worked on,
slots collect for as many times longer as there are blocks in work, and cost less a frame."""

FEW_FRAMES = 16
"""With fewer frames than that a block costs more than the frames in it."""

PATIENCE = 5
"""So many times longer slots with few frames wait for more: what is left at the end of a partition
would otherwise go only when results must be renewed, and several such at the end of the scan."""


class Intake:
    """Makes acquisitions of events; knows neither messages nor sockets.

    Parameters
    ----------
    settings : StreamSettings
    path : str
        The ring's segment, as workers attach to it.
    memory : ndarray of uint8
        The ring.
    tell : callable
        Is given each announcement: a verb and its facts.
    clock : callable
        The time by a clock that never goes back [s].

    Raises
    ------
    RingTooSmallError
        If no frame at all would fit into the ring.
    """

    def __init__(
        self,
        settings: StreamSettings,
        path: str,
        memory: NDArray[np.uint8],
        tell: Callable[..., None],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._clock = clock
        self.counts = counters(memory)
        self._ledger = SeriesLedger()
        self._header: Started | None = None  # of the current series, as it came
        self._announced: Started | None = None  # a header that left shape or dtype open
        self._collection: Collection | None = None
        self._beginning = Beginning(settings, path, memory, tell)
        self._waiting: deque[Arrived] = deque()  # frames without room, to be handled again
        self._ending = ""  # why the series ends as soon as none waits any more
        self._early = EarlyFrames()
        self._has_header = True  # of the current series; else its first frame stands in
        self._said: set[str] = set()  # kinds of refusal logged in this series
        self._last_frame = 0.0

    # orders ---------------------------------------------------------------------------------

    def give_back(self, slot: int) -> None:
        """A slot came back from the workers."""
        self._beginning.free.give_back(slot)

    def drop(self, ident: str) -> None:
        """Nobody wants the rest of an acquisition."""
        if self._collection is not None and self._collection.acquisition.ident == ident:
            self._end("stopped on request")

    def decide(self, ident: int, choice: ScanChoice | None) -> None:
        """Go on with the series that was held; without a choice, leave it."""
        if not self._beginning.held_as(ident):
            return
        if choice is None:
            self._beginning.leave()
            self._ledger.end()
            self._header = None
            return
        self._go_on(lambda: self._beginning.take(choice))

    def resume(self) -> None:
        """Go on where slots were missing, with the frames that waited for one."""
        if self._beginning.waits_for_slots:
            self._go_on(self._beginning.resume)
        while self._waiting and not self._is_undecided and len(self._beginning.free):
            try:
                self._arrived(self._waiting.popleft())
            except ProtocolError as error:
                self.refuse(error)
        if self._ending and not self._waiting:
            self._end(self._ending)

    @property
    def _knows_scan(self) -> bool:
        """Whether a scan can be laid out though nobody says how many frames come."""
        shape = self._settings.nav_shape
        return self._settings.hold or (shape is not None and -1 not in shape)

    @property
    def _is_undecided(self) -> bool:
        """Whether frames of the current series have to wait."""
        return self._beginning.waits_for_slots or self._beginning.is_held

    @property
    def is_idle(self) -> bool:
        """Whether no acquisition is under way."""
        return (
            self._collection is None
            and not self._is_undecided
            and not self._waiting
            and not len(self._early)
        )

    @property
    def is_blocked(self) -> bool:
        """Whether no further message can be taken now."""
        return bool(self._waiting) or self._beginning.waits_for_slots

    # events ---------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Do what a message asks for.

        Raises
        ------
        ProtocolError
            If its frame is not what the acquisition announced.
        """
        if isinstance(event, Arrived):
            self._arrived(event)
        elif isinstance(event, Started):
            self._started(event)
        else:
            if event.series == self._early.series:
                self._begin_without_header(self._early.frames)
            if self._ledger.of(event.series) is not Belongs.CURRENT:
                return
            if self._waiting:
                self._ending = event.reason  # once the frames before it have found their places
            else:
                self._end(event.reason)

    def refuse(self, error: ProtocolError, parts: Sequence[Part] = ()) -> None:
        """A message makes no sense: count it, and keep a copy of the first of each kind."""
        self.counts[Count.CORRUPT] += 1
        if error.kind not in self._said:
            self._said.add(error.kind)
            self._tell("quarantined", Quarantined.of(error, parts))
            log.warning(
                "message refused, first of its kind source=%s kind=%s detail=%s",
                self._settings.endpoint, error.kind, error.detail,
            )  # fmt: skip

    def _started(self, header: Started) -> None:
        if self._is_repeated(header):
            return  # a detector sends it again on demand
        if self._came_late(header):
            return
        early = self._early.taken() if self._early.series == header.series else []
        self._start(header, has_header=True)
        self._waiting.extend(early)
        self.resume()

    def _start(self, header: Started, *, has_header: bool) -> None:
        self.counts[Count.STALE] += self._early.clear()
        if self._ledger.current is not None:
            self._end(f"series {header.series} began before it ended")
        self._ledger.start(header.series)
        self._header = header
        self._has_header = has_header
        self._said.clear()
        begin_series(self.counts)
        if header.sig_shape is None or header.dtype is None:
            self._announced = header
            return
        self._announce(header, header.sig_shape, header.dtype)

    def _is_repeated(self, header: Started) -> bool:
        """Whether a header says once more what the current series began with.

        Once frames came, it is another series, of a detector that was restarted, say.
        """
        known = self._header
        return (
            known is not None
            and self._ledger.current == header.series
            and self.counts[Count.RECEIVED] == 0
            and _facts(known) == _facts(header)
        )

    def _came_late(self, header: Started) -> bool:
        """Whether a header is of the series at hand, which went on without; it has its say."""
        collection = self._collection
        if collection is None or self._has_header or self._ledger.current != header.series:
            return False
        known = collection.acquisition
        if header.sig_shape not in (None, known.sig_shape) or header.dtype not in (
            None, known.dtype,
        ):  # fmt: skip
            return False
        if collection.assembler.received > MOST_FRAMES:
            return False  # not late: of a detector that counts its series anew
        log.info("header came late series=%s", header.series)
        self._header, self._has_header = header, True
        collection.has_header = True
        if header.frames is not None:
            collection.assembler.promise(header.frames)
        return True

    def _keep(self, frame: Arrived) -> None:
        """Keep a frame of a series that nobody announced, until it is clear what it is."""
        has_room = self._early.keep(frame)
        if self._ledger.current is not None:
            if len(self._early) < STRANGERS:
                return
            self._end(f"frames of series {frame.series} came, and no more of this one")
        self._last_frame = self._clock()
        if self._knows_scan or not has_room:
            self._begin_without_header(None)

    def _begin_without_header(self, frames: int | None) -> None:
        """No header will come: frames that were kept tell what they can.

        Parameters
        ----------
        frames : int or None
            How many there are, if no more will come.
        """
        series, early = self._early.series, self._early.taken()
        assert series is not None
        log.warning("header missing, going by the frames series=%s kept=%d", series, len(early))
        promised = None if self._knows_scan else frames
        self._start(Started(series, 0, None, None, promised), has_header=False)
        self._waiting.extend(early)
        self.resume()

    def _announce(
        self, header: Started, sig_shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> None:
        self._announced = None
        number = int(self.counts[Count.SERIES])
        self._go_on(lambda: self._beginning.announce(number, header, sig_shape, dtype))

    def _go_on(self, begin: Callable[[], Collection | None]) -> None:
        """Go on with the beginning of the current series, as far as it goes."""
        try:
            begun = begin()
        except FramefoldError as error:
            series = self._ledger.current
            log.error("series refused series=%s reason=%s", series, error)
            self._ledger.end()
            self._tell("refused", series, str(error))
            return
        if begun is None:
            return
        self._collection = begun
        begun.has_header = self._has_header
        self._last_frame = self._clock()
        self.counts[Count.ACQUISITIONS] += 1
        known = begun.acquisition
        log.info(
            "acquisition started id=%s nav=%s sig=%s dtype=%s",
            known.ident, known.nav_shape, known.sig_shape, known.dtype,
        )  # fmt: skip
        self._tell("started", known, int(self.counts[Count.SERIES]))

    def _arrived(self, frame: Arrived) -> None:
        belongs = self._ledger.of(frame.series)
        if belongs is Belongs.STALE:
            self.counts[Count.STALE] += 1
            return
        if belongs is Belongs.UNKNOWN:
            # its header was lost, or comes late, or we came late
            self._keep(frame)
            return
        if len(self._early):
            # that one of another series came before was a mistake of its label
            self.counts[Count.STALE] += self._early.clear()
        if self._announced is not None:
            self._announce(self._announced, frame.sig_shape, frame.dtype)
        if self._is_undecided:
            self._waiting.appendleft(frame)
            return
        if self._collection is None:
            self.counts[Count.STALE] += 1  # the series was refused; its frames follow it
            return
        now = self._clock()
        verdict = self._collection.take(frame, now)
        self._last_frame = now
        if verdict == 0:
            self.counts[Count.RECEIVED] += 1
            self.counts[Count.LATE] = self._collection.assembler.late
            self.counts[Count.PAYLOAD_BYTES] += frame.payload.nbytes
        elif verdict == Verdict.FULL:
            self._waiting.appendleft(frame)
            self.counts[Count.STALLS] += 1
        elif verdict == Verdict.DUPLICATE:
            self.counts[Count.DUPLICATE] += 1
        elif verdict == Verdict.NOWHERE:
            beyond = self._collection.is_surplus(frame.frame)
            self.counts[Count.SURPLUS if beyond else Count.FLYBACK] += 1
        else:
            self.refuse(
                ProtocolError(
                    "frame-too-large",
                    f"frame {frame.frame} takes {frame.payload.nbytes} bytes encoded, more than "
                    f"its {self._collection.acquisition.frame_bytes} bytes of pixels allow",
                )
            )
        self._hand_out()

    def takes(self, like: Arrived) -> bool:
        """Whether images of this kind belong to the acquisition at hand, and nothing is open."""
        collection = self._collection
        return (
            collection is not None
            and not self._is_undecided
            and self._ledger.of(like.series) is Belongs.CURRENT
            and collection.acquisition.sig_shape == like.sig_shape
            and collection.acquisition.dtype == like.dtype
        )

    def take(self, images: Images) -> int:
        """Put images into the ring, as if each were handled by itself.

        Parameters
        ----------
        images : Images
            Such that `takes` says yes.

        Returns
        -------
        int
            How many are done with; fewer than there are if the last of these has to wait.
        """
        if len(self._early):
            self.counts[Count.STALE] += self._early.clear()
        done = 0
        while done < len(images) and not self.is_blocked:
            assert self._collection is not None
            taken, nbytes = self._collection.take_many(images, done)
            done += taken
            self.counts[Count.RECEIVED] += taken
            self.counts[Count.LATE] = self._collection.assembler.late
            self.counts[Count.PAYLOAD_BYTES] += nbytes
            if self._collection.assembler.sealed:
                self._hand_out()
            elif done < len(images):
                self._arrived(images.single(done))
                done += 1
        self._last_frame = self._clock()
        return done

    def _hand_out(self) -> None:
        if self._collection is not None and self._collection.assembler.sealed:
            for block in self._collection.sealed(time.monotonic()):
                self._tell("block", block)

    # time -----------------------------------------------------------------------------------

    def patience(self) -> float | None:
        """How long nothing has to be done but what messages and orders ask for [s]."""
        now = self._clock()
        if self._collection is None:
            idle = self._settings.idle_seconds
            if not len(self._early) or idle is None:
                return None
            return max(0.0, self._last_frame + idle - now)
        due = [self._last_frame + limit for limit in self._silence()]
        for seconds, least in self._gathering():
            oldest = self._collection.assembler.oldest(least)
            if oldest is not None:
                due.append(oldest + seconds)
        return max(0.0, min(due) - now) if due else None

    def _gathering(self) -> tuple[tuple[float, int], ...]:
        """After how long a slot with at least so many frames goes as it is [s]."""
        assert self._collection is not None
        update = self._settings.update_seconds
        if not self._collection.may_go_early:
            return ((update, 1),)
        busy = 1 + max(0, self._collection.assembler.out - int(self.counts[Count.KEPT]))
        gathering = GATHERING_SECONDS * busy
        return (min(PATIENCE * gathering, update), 1), (min(gathering, update), FEW_FRAMES)

    def _silence(self) -> tuple[float, ...]:
        """After how long a silence something must be done [s]."""
        assert self._collection is not None
        if self._waiting:
            return ()  # it is us who are silent
        if self._collection.assembler.is_complete:
            return (END_GRACE_SECONDS,)
        if self._settings.hold and not self._collection.assembler.received:
            return ()  # armed: whoever took it may start the scan much later
        idle = self._settings.idle_seconds
        return () if idle is None else (idle,)

    def look_at_clock(self, busy: float) -> None:
        """Do what is due.

        Parameters
        ----------
        busy : float
            How long we have been busy, or held up by whoever should read [s]: the detector was
            not silent then.
        """
        self.counts[Count.SLOTS] = self._beginning.free.slots
        self.counts[Count.FREE_SLOTS] = len(self._beginning.free)
        self._last_frame += busy
        now = self._clock()
        if self._collection is None:
            idle = self._settings.idle_seconds
            if len(self._early) and idle is not None and now - self._last_frame >= idle:
                self._begin_without_header(self._early.frames)
            return
        for seconds, least in self._gathering():
            self._collection.assembler.seal_overdue(now - seconds, least)
        self._hand_out()
        for limit in self._silence():
            if now - self._last_frame >= limit:
                self._end(f"no frame for {limit:g} s and no end of series")
                return

    def _end(self, reason: str) -> None:
        collection, self._collection = self._collection, None
        self._ledger.end()
        self._header = self._announced = None
        self._waiting.clear()
        self._ending = ""
        self._beginning.withdraw(reason)
        if collection is None:
            return
        collection.assembler.seal_all()
        for block in collection.sealed(time.monotonic()):
            self._tell("block", block)
        ending = collection.ending(reason, losses(self.counts))
        log.info("acquisition ended id=%s %s", collection.acquisition.ident, ending.reason)
        self._tell("ended", collection.acquisition.ident, ending)


def _facts(header: Started) -> tuple[object, ...]:
    """What makes two headers mean the same."""
    return header.sig_shape, header.dtype, header.frames, header.channels, header.frame_time
