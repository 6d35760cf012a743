"""Stream: a detector connection; iterating over it gives one Reader per acquisition."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending
from framefold.errors import ConfigError, RunFailedError
from framefold.live.block import SlotBlock
from framefold.live.counters import Count, counters, losses
from framefold.live.settings import StreamSettings
from framefold.processes.launcher import Child, Launcher
from framefold.processes.segment import Segment

log = logging.getLogger(__name__)

RECEIVER = "framefold.live.receiver:main"


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What a stream has seen so far.

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
    stalls : int
        How often a frame had to wait for a free slot.
    acquisitions : int
        Series that were begun.
    """

    connected: bool
    messages: int
    payload_bytes: int
    slots: int
    free_slots: int
    stalls: int
    acquisitions: int


class _Link:
    """One receiver process with its ring."""

    def __init__(self, launcher: Launcher, settings: StreamSettings) -> None:
        self._launcher = launcher
        self.ring = Segment.create(settings.ring_bytes)
        self.counts = counters(self.ring.bytes)
        self._sending = threading.Lock()
        self.child: Child = launcher.spawn(
            "receiver", RECEIVER, settings, self.ring.path, self.ring.size
        )

    def send(self, *order: object) -> None:
        try:
            with self._sending:
                self.child.connection.send_bytes(pickle.dumps(order))
        except OSError as error:
            log.debug("receiver gone order=%s error=%s", order[0], error)

    def receive(self) -> tuple[str, list[object]] | None:
        """The next announcement; None once the receiver is gone."""
        try:
            verb, *facts = pickle.loads(self.child.connection.recv_bytes())
        except (EOFError, OSError):
            return None
        return verb, facts

    def end(self) -> str:
        how = self._launcher.reap(self.child)
        self.ring.close()
        return how


class Stream:
    """A connection to a detector.

    Parameters
    ----------
    launcher : Launcher
        Where the receiver process comes from.
    settings : StreamSettings
        Where to listen, and how.

    Raises
    ------
    ConfigError
        If the receiver cannot listen there.
    """

    def __init__(self, launcher: Launcher, settings: StreamSettings) -> None:
        self._launcher = launcher
        self.settings = settings
        self._closing = False
        self.last_refusal = ""
        self._link = self._listen()

    def _listen(self) -> _Link:
        link = _Link(self._launcher, self.settings)
        if link.receive() is None:
            link.end()
            raise ConfigError(
                f"no receiver for {self.settings.endpoint!r}: it ended at once; "
                "its last words are on stderr"
            )
        return link

    def statistics(self) -> StreamStatistics:
        """What was seen so far; asks nobody and never waits."""
        counts = self._link.counts
        return StreamStatistics(
            connected=bool(counts[Count.CONNECTED]),
            messages=int(counts[Count.MESSAGES]),
            payload_bytes=int(counts[Count.PAYLOAD_BYTES]),
            slots=int(counts[Count.SLOTS]),
            free_slots=int(counts[Count.FREE_SLOTS]),
            stalls=int(counts[Count.STALLS]),
            acquisitions=int(counts[Count.ACQUISITIONS]),
        )

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
            heard = self._link.receive()
            if heard is None:
                self._restart()
                continue
            verb, facts = heard
            if verb == "started":
                assert isinstance(facts[0], Acquisition)
                return LiveReader(self._link, facts[0])
            if verb == "block":
                # of an acquisition nobody follows any more
                assert isinstance(facts[0], SlotBlock)
                self._link.send("free", facts[0].slot)
            elif verb == "refused":
                self.last_refusal = f"series {facts[0]}: {facts[1]}"
        return None

    def _restart(self) -> None:
        if self._closing:
            return
        how = self._link.end()
        log.error("receiver lost source=%s how=%s, starting another", self.settings.endpoint, how)
        try:
            self._link = self._listen()
        except ConfigError as error:
            raise RunFailedError(f"the receiver died ({how}) and does not come back") from error

    def __iter__(self) -> Iterator[LiveReader]:
        while (reader := self.next_reader()) is not None:
            yield reader

    def close(self) -> None:
        """Leave the detector; whoever waits for an acquisition is told there is none."""
        if self._closing:
            return
        self._closing = True
        self._link.send("stop")

    def end(self) -> None:
        """Close, and free the ring; nobody may wait for an acquisition any more."""
        self.close()
        self._link.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class LiveReader:
    """The frames of one acquisition while they arrive.

    Parameters
    ----------
    link : _Link
        The receiver.
    acquisition : Acquisition
        What it announced.
    """

    def __init__(self, link: _Link, acquisition: Acquisition) -> None:
        self._link = link
        self.acquisition = acquisition
        # written by: the thread that takes blocks
        self._ending: Ending | None = None

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:
        """Blocks as they become ready; the plan is the receiver's own."""
        while self._ending is None:
            heard = self._link.receive()
            if heard is None:
                self._ending = Ending(False, "the receiver died", self.losses())
                return
            verb, facts = heard
            if verb == "block":
                assert isinstance(facts[0], SlotBlock)
                yield facts[0]
            elif verb == "ended" and facts[0] == self.acquisition.ident:
                assert isinstance(facts[1], Ending)
                self._ending = facts[1]

    def release(self, block: Block) -> None:
        """Give the slot back to the receiver."""
        assert isinstance(block, SlotBlock)
        self._link.send("free", block.slot)

    def stop(self) -> None:
        """Have the receiver drop what is left of this acquisition."""
        if self._ending is None:
            self._link.send("drop", self.acquisition.ident)

    def losses(self) -> Losses:
        """What was counted so far."""
        return self._ending.losses if self._ending else losses(self._link.counts)

    def ending(self) -> Ending:
        """How it ended."""
        return self._ending or Ending(False, "stopped", self.losses())
