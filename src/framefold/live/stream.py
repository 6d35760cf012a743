"""Stream: a detector connection; iterating over it gives one Reader per acquisition."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending
from framefold.errors import ConfigError, RunFailedError
from framefold.live.block import SlotBlock, forget
from framefold.live.counters import Count, carry_over, counters, losses, total_losses
from framefold.live.kept_slots import KeptSlots
from framefold.live.quarantine import KEPT, Quarantined
from framefold.live.settings import StreamSettings
from framefold.live.wire_log_state import OFF, WAITING, WireLogNews, WireLogState
from framefold.processes.launcher import Child, Launcher
from framefold.processes.segment import Segment

log = logging.getLogger(__name__)

RECEIVER = "framefold.live.receiver:main"


@dataclass(frozen=True, slots=True)
class Listening:
    """Which process listens, and what it is told beside the settings of the stream.

    Parameters
    ----------
    target : str
        ``module:function``, called as `framefold.live.receiver.main` is.
    arguments : tuple
        What follows; small picklable values.
    finish_seconds : float
        How long it may take to finish what it has, once it is told to stop [s].
    logs_messages : bool
        Whether it can log all messages, and tells how that goes.
    logs_next : callable
        Whether the messages of the next series are to be logged; asked on `Stream.heed`.
    """

    target: str = RECEIVER
    arguments: tuple[object, ...] = ()
    finish_seconds: float = 0.0
    logs_messages: bool = False
    logs_next: Callable[[], bool] = lambda: True


TO_A_DETECTOR = Listening()


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What a stream has seen so far, also through receivers that died; counts never go back.

    Parameters
    ----------
    connected : bool
        Whether the detector's socket is there.
    messages : int
        Messages taken off the wire [messages].
    payload_bytes : int
        Encoded frames put into the ring [bytes].
    slots, free_slots : int
        Size of the ring, and how much of it is free [slots].
    kept_slots : int
        Of those that are not free, slots that were worked on and are kept to be looked at [slots].
    ring_bytes : int
        Memory of the ring [bytes].
    stalls : int
        How often a frame had to wait for a free slot.
    acquisitions : int
        Series that were begun.
    restarts : int
        How often the receiver had to be replaced.
    logged_messages, logged_bytes : int
        What went into wire logs [messages], [bytes].
    losses : Losses
        What became of frames on arrival, over all series.
    """

    connected: bool
    messages: int
    payload_bytes: int
    slots: int
    free_slots: int
    kept_slots: int
    ring_bytes: int
    stalls: int
    acquisitions: int
    restarts: int
    logged_messages: int
    logged_bytes: int
    losses: Losses


class Link:
    """One receiver process with its ring."""

    def __init__(
        self,
        launcher: Launcher,
        settings: StreamSettings,
        listening: Listening = TO_A_DETECTOR,
        carry: Callable[[NDArray[np.int64]], None] = lambda _: None,
    ) -> None:
        self._launcher = launcher
        try:
            self.ring = Segment.create(settings.ring_bytes)
        except OSError as error:
            raise ConfigError(f"ring_bytes={settings.ring_bytes}: {error}") from error
        self.counts = counters(self.ring.bytes)
        carry(self.counts)  # the receiver is not there yet
        self.kept = KeptSlots(settings.keep_bytes)
        self.lets_go = settings.processing == "newest"
        self.closing = False
        self.quarantine: deque[Quarantined] = deque(maxlen=KEPT)  # written by: who follows
        # written by: who follows
        self.wire_log = WireLogNews(OFF if self.counts[Count.LOG_OFF] else WAITING)
        # held by: who follows an acquisition, or waits for the next one
        self._following = threading.Lock()
        self._follower: int | None = None
        self._ending = threading.Lock()
        self._how = ""
        self._finish_seconds = listening.finish_seconds
        try:
            self.child: Child = launcher.spawn(
                "receiver", listening.target, settings, self.ring.path, self.ring.size,
                *listening.arguments,
            )  # fmt: skip
        except BaseException:
            self.ring.close()
            raise

    def send(self, *order: object) -> None:
        """Tell the receiver something; one that is gone does not hear it."""
        try:
            self.child.send(*order)
        except OSError as error:
            log.debug("receiver gone order=%s error=%s", order[0], error)

    def free(self, slots: Iterable[int]) -> None:
        """Give slots back to the receiver."""
        self.counts[Count.KEPT] = self.kept.count
        for slot in slots:
            self.send("free", slot)

    def receive(self) -> tuple[str, list[Any]] | None:
        """The next announcement; None once the receiver is gone."""
        try:
            verb, *facts = self.child.receive()
        except (EOFError, OSError):
            return None
        return verb, facts

    def note(self, verb: str, facts: list[Any]) -> bool:
        """Note what concerns no acquisition; whether this was such an announcement."""
        if verb == "quarantined":
            self.quarantine.append(facts[0])
        elif verb == "logging":
            self.wire_log = facts[0]
        else:
            return False
        return True

    def hears(self, deadline: float | None) -> bool:
        """Whether something was announced, or the receiver is gone; waits until a moment of
        the monotonic clock [s].
        """
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            return self.child.poll(left)
        except OSError:
            return True

    @contextmanager
    def followed(self, deadline: float | None = None) -> Iterator[bool]:
        """Nobody else takes announcements meanwhile; waits for whoever does now, at the
        longest until a moment of the monotonic clock [s]; gives whether it is our turn.
        """
        me = threading.get_ident()
        if self._follower == me:
            raise RunFailedError(
                "the acquisition before is still being run in this thread: go to its end, or "
                "close its run, before you wait for the next"
            )
        left = -1.0 if deadline is None else max(0.0, deadline - time.monotonic())
        if not self._following.acquire(timeout=left):
            yield False
            return
        self._follower = me
        try:
            yield True
        finally:
            self._follower = None
            self._following.release()

    def end(self) -> str:
        """End the receiver and let go of the ring; how it ended."""
        with self._ending:
            if self._how:
                return self._how
            self._let_finish()
            try:
                self._how = self._launcher.reap(self.child)
            except RunFailedError as error:
                self._how = str(error)  # it ended with its launcher
            # whoever keeps us, for the counts of a run long ago, need not keep the ring
            self.counts = self.counts.copy()
            self.kept.close()
            forget(self.ring.path)
            self.ring.close()
            return self._how

    def _let_finish(self) -> None:
        """Wait until the receiver is gone by itself, if it has something to finish."""
        if not (self.closing and self._finish_seconds):
            return
        deadline = time.monotonic() + self._finish_seconds
        while time.monotonic() < deadline and self.hears(deadline):
            heard = self.receive()
            if heard is None:
                return
            self.note(*heard)
        log.warning("receiver does not finish, ending it seconds=%g", self._finish_seconds)


class Stream:
    """A connection to a detector.

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
    ScanError
        If positions do not go with what else was said of the scan.
    """

    def __init__(
        self, launcher: Launcher, settings: StreamSettings, listening: Listening = TO_A_DETECTOR
    ) -> None:
        self._launcher = launcher
        self.settings = self._with_table(settings)
        self._listening = listening
        self._closing = False
        # held by: who exchanges or ends the receiver
        self._exchanging = threading.Lock()
        self.last_refusal = ""
        self._restarts = 0  # written by: who exchanges the receiver
        # held by: who adds up; the sums are those of the last moment in which they could be had
        self._adding = threading.Lock()
        self._losses = Losses()
        # held by: who tells the receiver whether to log
        self._heeding = threading.Lock()
        self._link = self._listen()

    def _with_table(self, settings: StreamSettings) -> StreamSettings:
        """The settings with a table that was laid out once, for all receivers and series."""
        return settings.laid_out()

    @property
    def _told(self) -> StreamSettings:
        """What receivers are told."""
        return self.settings

    def _listen(self, carry: Callable[[NDArray[np.int64]], None] = lambda _: None) -> Link:
        def begin(counts: NDArray[np.int64]) -> None:
            carry(counts)
            self._set_logging(counts)

        link = Link(self._launcher, self._told, self._listening, begin)
        try:
            heard = link.receive()
        except BaseException:
            link.end()
            raise
        if heard is not None and heard[0] == "listening":
            return link
        how = link.end()
        said = heard[1][0] if heard else f"it ended at once ({how}), its last words are on stderr"
        raise ConfigError(f"no receiver for {self.settings.endpoint!r}: {said}")

    def heed(self) -> None:
        """Have the receiver log the next series, or not, as `Listening.logs_next` says now."""
        with self._heeding:
            # asked again each time, so that of two who come at once the last one tells the truth
            self._set_logging(self._link.counts)

    def _set_logging(self, counts: NDArray[np.int64]) -> None:
        counts[Count.LOG_OFF] = not self._listening.logs_next()

    def statistics(self) -> StreamStatistics:
        """What was seen so far; asks nobody and never waits."""
        with self._adding:
            counts = self._link.counts
            total = self._total_losses(counts)
        return StreamStatistics(
            connected=bool(counts[Count.CONNECTED]),
            messages=int(counts[Count.MESSAGES]),
            payload_bytes=int(counts[Count.PAYLOAD_BYTES]),
            slots=int(counts[Count.SLOTS]),
            free_slots=int(counts[Count.FREE_SLOTS]),
            kept_slots=int(counts[Count.KEPT]),
            ring_bytes=self.settings.ring_bytes,
            stalls=int(counts[Count.STALLS]),
            acquisitions=int(counts[Count.ACQUISITIONS]),
            restarts=self._restarts,
            logged_messages=int(counts[Count.LOGGED_MESSAGES]),
            logged_bytes=int(counts[Count.LOGGED_BYTES]),
            losses=total,
        )

    def _total_losses(self, counts: NDArray[np.int64]) -> Losses:
        found = total_losses(counts)
        if found is not None:
            self._losses = found
        return self._losses

    @property
    def wire_log(self) -> WireLogState | None:
        """How the log of all messages goes; None if there cannot be one."""
        if not self._listening.logs_messages:
            return None
        link = self._link
        counts = link.counts
        return link.wire_log.at(int(counts[Count.LOGGED_MESSAGES]), int(counts[Count.LOGGED_BYTES]))

    @property
    def quarantine(self) -> tuple[Quarantined, ...]:
        """The last messages that made no sense, the first of each kind in each series."""
        return tuple(self._link.quarantine)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closing

    @property
    def pid(self) -> int:
        """Process number of the receiver."""
        return self._link.child.pid

    def next_reader(self) -> LiveReader | None:
        """Wait for the next acquisition.

        Returns
        -------
        LiveReader or None
            Its frames; None once the stream is closed.

        Raises
        ------
        RunFailedError
            If the receiver dies and cannot be started again.
        """
        while not self._closing:
            link = self._link
            with link.followed():
                heard = link.receive()
            if heard is None:
                self._restart(link)
                continue
            verb, facts = heard
            if verb == "started":
                return LiveReader(link, *facts)
            self._note(link, verb, facts)
        return None

    def _note(self, link: Link, verb: str, facts: list[Any]) -> None:
        """What an announcement means to nobody in particular."""
        if verb == "block":
            # of an acquisition nobody follows any more
            link.free([facts[0].slot])
        elif verb == "recall":
            link.free(link.kept.recall())
        elif verb == "exhausted":
            self.close()  # a recording was played to its end
        elif verb == "refused":
            self.last_refusal = f"series {facts[0]}: {facts[1]}"
        else:
            link.note(verb, facts)

    def _restart(self, lost: Link) -> None:
        with self._exchanging:
            if self._closing or self._link is not lost:
                return
            how = lost.end()
            log.error(
                "receiver lost source=%s how=%s, starting another", self.settings.endpoint, how
            )
            with self._adding:
                total = self._total_losses(lost.counts)
            try:
                link = self._listen(lambda counts: carry_over(lost.counts, total, counts))
            except ConfigError as error:
                raise RunFailedError(
                    f"the receiver died ({how}) and does not come back: {error}"
                ) from error
            self._restarts += 1
            self._link = link
            self.heed()  # whoever switched meanwhile told the one that is gone

    def __iter__(self) -> Iterator[LiveReader]:
        while (reader := self.next_reader()) is not None:
            yield reader

    def close(self) -> None:
        """Leave the detector; whoever waits for an acquisition is told there is none."""
        if self._closing:
            return
        self._closing = True
        self._link.closing = True
        self._link.send("stop")

    def end(self) -> None:
        """Close, and free the ring; an acquisition that is being run ends with what it has."""
        self.close()
        with self._exchanging:
            self._link.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class LiveReader:
    """The frames of one acquisition while they arrive.

    Parameters
    ----------
    link : Link
        The receiver.
    acquisition : Acquisition
        What it announced.
    series : int
        Its number among the receiver's.
    """

    def __init__(self, link: Link, acquisition: Acquisition, series: int) -> None:
        self._link = link
        self.acquisition = acquisition
        self._series = series
        self._counted = Losses()
        link.kept.begin()
        # written by: the thread that takes blocks
        self._taken = False
        self._ending: Ending | None = None

    @property
    def room(self) -> Callable[[], int] | None:
        """How many blocks may wait for workers where the newest come first: half of the ring.

        None where all frames are worked on.
        """
        link = self._link
        return (lambda: int(link.counts[Count.SLOTS]) // 2) if link.lets_go else None

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:
        """Blocks as they become ready; the plan is the receiver's own.

        Raises
        ------
        RunFailedError
            The second time: frames on a wire pass once.
        """
        if self._taken:
            raise RunFailedError(
                f"acquisition {self.acquisition.ident} was run already, and live frames pass "
                "once; give all UDFs to one run, or take the next reader of the stream"
            )
        self._taken = True
        with self._link.followed():
            while self._ending is None:
                heard = self._link.receive()
                if heard is None:
                    why = "the stream was closed" if self._link.closing else "the receiver died"
                    self._ending = Ending(False, why, self.losses(), cut_short=True)
                    return
                verb, facts = heard
                if verb == "block":
                    self._link.kept.hand_out(self._series, facts[0])
                    yield facts[0]
                elif verb == "ended" and facts[0] == self.acquisition.ident:
                    self._ending = facts[1]
                else:
                    self._link.note(verb, facts)

    def release(self, block: Block) -> None:
        """Take a block back; its slot is the receiver's again, now or after a while."""
        assert isinstance(block, SlotBlock)
        link = self._link
        link.free(link.kept.take_back(self._series, block, int(link.counts[Count.SLOTS])))

    @contextmanager
    def held(
        self,
        positions: NDArray[np.int64],
    ) -> Iterator[Iterable[tuple[str, Block]]]:
        """What of it is in the ring; see `framefold.core.picking.Holder`."""
        found = self._link.kept.look(self._series)
        try:
            yield [("ring", block) for block in found]
        finally:
            self._link.free(self._link.kept.leave(self._series, found))

    def stop(self) -> None:
        """Have the receiver drop what is left of this acquisition."""
        if self._ending is None:
            self._link.send("drop", self.acquisition.ident)

    def losses(self) -> Losses:
        """What was counted so far."""
        if self._ending is not None:
            return self._ending.losses
        counted = self._link.counts.copy()
        if counted[Count.SERIES] == self._series:  # the receiver may be further than we are
            self._counted = losses(counted)
        return self._counted

    def ending(self) -> Ending:
        """How it ended."""
        return self._ending or Ending(False, "stopped", self.losses())
