"""Receiver: the process that listens. Transport -> protocol -> assembler -> ring, nothing else."""

from __future__ import annotations

import logging
import pickle
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.reader import Ending
from framefold.errors import FramefoldError, ProtocolError
from framefold.live.announcement import Announcement, ScanChoice
from framefold.live.assembler import Assembler, FreeSlots, Verdict
from framefold.live.collection import Collection
from framefold.live.counters import OF_AN_ACQUISITION, Count, counters, losses
from framefold.live.opening import announced, ring_shape, stretch_of
from framefold.live.series import Belongs, SeriesLedger
from framefold.live.settings import StreamSettings
from framefold.live.transport import ZmqTransport
from framefold.processes.segment import Segment
from framefold.protocols import (
    Arrived,
    Event,
    Part,
    Started,
    WireProtocol,
    protocols,
    recognise,
)

log = logging.getLogger(__name__)

MESSAGES_PER_TURN = 256
"""Messages taken before orders and the clock are looked at again."""

END_GRACE_SECONDS = 1.0
"""How long a scan that has all its frames waits for its end message."""


class Receiver:
    """Listens to one detector.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        To the main process: orders come, announcements go.
    transport : ZmqTransport
        Where messages come from.
    settings : StreamSettings
    path : str
        The ring's segment, as workers attach to it.
    memory : ndarray of uint8
        The ring.
    clock : callable
        The time by a clock that never goes back [s].

    Raises
    ------
    RingTooSmallError
        If no frame at all would fit into the ring.
    UnknownNameError
        If there is no such protocol.
    """

    def __init__(
        self,
        connection: Connection,
        transport: ZmqTransport,
        settings: StreamSettings,
        path: str,
        memory: NDArray[np.uint8],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        if settings.protocol != "auto":
            protocols.load(settings.protocol)  # a wrong name should be heard of now
        self._connection = connection
        self._transport = transport
        self._settings = settings
        self._path = path
        self._memory = memory
        self._counts = counters(memory)
        self._protocol: WireProtocol | None = None
        self._ledger = SeriesLedger()
        self._header: Started | None = None  # of the current series, as it came
        self._announced: Started | None = None  # a header that left shape or dtype open
        self._collection: Collection | None = None
        self._shape = ring_shape(len(memory), 0, settings.block_bytes)
        self._free = FreeSlots(self._shape.slots)
        self._waiting: Arrived | None = None  # a frame without room
        self._opening: Acquisition | None = None  # waits for all slots to be cut anew
        self._held: tuple[Announcement, Started] | None = None  # waits to be taken
        self._scan_settings = settings  # of the series at hand
        self._was_connected = False
        self._said: set[str] = set()  # kinds of refusal logged in this series
        self._last_frame = 0.0
        self._stopping = False

    def run(self) -> None:
        """Listen until told to stop."""
        while not self._stopping:
            self.turn()

    def turn(self) -> None:
        """Wait for something to do, and do it."""
        blocked = self._waiting is not None or self._opening is not None
        orders, messages = self._transport.wait(
            self._connection.fileno(), self._patience(), data=not blocked
        )
        woken = self._clock()
        if orders:
            self._obey()
        if messages:
            self._drain()
        # as long as we were busy, or held up by whoever should read, the detector was not silent
        self._last_frame += self._clock() - woken
        self._look_at_clock()
        self._counts[Count.CONNECTED] = self._transport.connected
        if self._settings.hold and self._transport.connected and not self._was_connected:
            self._tell("connected")
        self._was_connected = self._transport.connected
        self._counts[Count.SLOTS] = self._free.slots
        self._counts[Count.FREE_SLOTS] = len(self._free)

    # orders ---------------------------------------------------------------------------------

    def _obey(self) -> None:
        while self._connection.poll():
            verb, *facts = pickle.loads(self._connection.recv_bytes())
            if verb == "stop":
                self._stopping = True
            elif verb == "free":
                self._free.give_back(facts[0])
            elif verb in ("take", "leave") and self._held and self._held[0].ident == facts[0]:
                self._release_held(facts[1] if verb == "take" else None)
            elif (
                verb == "drop"
                and self._collection
                and self._collection.acquisition.ident == facts[0]
            ):
                self._end("stopped on request")
        if self._opening is not None and self._free.all_back:
            acquisition, self._opening = self._opening, None
            self._begin(acquisition)
        if self._waiting is not None and not self._is_undecided and len(self._free):
            frame, self._waiting = self._waiting, None
            self._handle_all(lambda: (frame,))

    @property
    def _is_undecided(self) -> bool:
        """Whether frames of the current series have to wait."""
        return self._opening is not None or self._held is not None

    def _tell(self, *facts: object) -> None:
        self._connection.send_bytes(pickle.dumps(facts))

    # messages -------------------------------------------------------------------------------

    def _drain(self) -> None:
        for _ in range(MESSAGES_PER_TURN):
            if self._waiting is not None or self._opening is not None:
                return
            parts = self._transport.receive()
            if parts is None:
                return
            self._counts[Count.MESSAGES] += 1
            self._handle_all(partial(self._events, parts))

    def _handle_all(self, events: Callable[[], Iterable[Event]]) -> None:
        """Handle what a message says; a message we cannot make sense of is refused."""
        try:
            for event in events():
                self._handle(event)
        except ProtocolError as error:
            self._refuse(error)
        except (OSError, EOFError):
            raise  # whoever we work for is gone
        except Exception as error:  # noqa: BLE001 - fence around one message: count it, go on
            detail = "".join(traceback.format_exception(error))
            self._refuse(ProtocolError("unexpected", detail))

    def _events(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        if self._protocol is None or not self._protocol.understands(parts[0]):
            self._protocol = self._chosen(parts[0])
        return self._protocol.feed(parts)

    def _chosen(self, first: Part) -> WireProtocol:
        settings = self._settings
        if settings.protocol == "auto":
            try:
                return recognise(first, channel=settings.channel)
            except ProtocolError:
                if self._protocol is None:
                    raise
        if self._protocol is not None:
            return self._protocol  # a stray binary part: the language at hand says what it is
        chosen: WireProtocol = protocols.load(settings.protocol)(channel=settings.channel)
        return chosen

    def _refuse(self, error: ProtocolError) -> None:
        self._counts[Count.REFUSED] += 1
        if error.kind not in self._said:
            self._said.add(error.kind)
            log.warning(
                "message refused, first of its kind source=%s kind=%s detail=%s",
                self._settings.endpoint, error.kind, error.detail,
            )  # fmt: skip

    def _handle(self, event: Event) -> None:
        if isinstance(event, Arrived):
            self._arrived(event)
        elif isinstance(event, Started):
            self._started(event)
        elif self._ledger.of(event.series) is Belongs.CURRENT:
            self._end(event.reason)

    def _started(self, header: Started) -> None:
        if self._is_repeated(header):
            return  # a detector sends it again on demand
        if self._ledger.current is not None:
            self._end(f"series {header.series} began before it ended")
        self._ledger.start(header.series)
        self._header = header
        self._said.clear()
        self._counts[Count.SERIES] += 1
        self._counts[list(OF_AN_ACQUISITION)] = 0
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
            and self._counts[Count.RECEIVED] == 0
            and _facts(known) == _facts(header)
        )

    def _announce(
        self, header: Started, sig_shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> None:
        self._announced = None
        if not self._settings.hold:
            self._choose(header, sig_shape, dtype)
            return
        ident = int(self._counts[Count.SERIES])
        found = Announcement(
            ident, header.series, header.number, sig_shape, dtype, header.frames,
            header.channels, header.frame_time, header.metadata,
        )  # fmt: skip
        self._held = (found, header)
        self._tell("announced", found)

    def _release_held(self, choice: ScanChoice | None) -> None:
        """Go on with the series that was held; without a choice, leave it."""
        assert self._held is not None
        (found, header), self._held = self._held, None
        if choice is None:
            self._ledger.end()
            self._header = None
            return
        self._scan_settings = replace(
            self._settings,
            nav_shape=choice.nav_shape,
            sync_offset=choice.sync_offset,
            frames_per_block=choice.frames_per_block or self._settings.frames_per_block,
        )
        self._choose(header, found.sig_shape, found.dtype)

    def _choose(
        self, header: Started, sig_shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> None:
        settings = self._scan_settings
        try:
            ident = f"{header.series}-{time.time_ns():x}"
            acquisition = announced(ident, header, sig_shape, dtype, settings)
            shape = ring_shape(len(self._memory), acquisition.frame_bytes, settings.block_bytes)
        except FramefoldError as error:
            self._refuse_series(header.series, str(error))
            return
        if shape == self._shape or self._free.all_back:
            self._begin(acquisition)
        else:
            self._opening = acquisition  # slots still out belong to the old cut

    def _refuse_series(self, series: str, reason: str) -> None:
        log.error("series refused series=%s reason=%s", series, reason)
        self._ledger.end()
        self._tell("refused", series, reason)

    def _begin(self, acquisition: Acquisition) -> None:
        shape = ring_shape(len(self._memory), acquisition.frame_bytes, self._settings.block_bytes)
        if shape != self._shape:
            self._shape, self._free = shape, FreeSlots(shape.slots)
        stretch = stretch_of(acquisition, self._scan_settings)
        scan = acquisition.scan
        try:
            assembler = Assembler(scan, stretch, shape, self._free, acquisition.frames)
        except (MemoryError, OverflowError):
            reason = f"a scan of {scan.size} positions is more than memory holds; give nav_shape"
            self._refuse_series(str(acquisition.metadata["series"]), reason)
            return
        self._collection = Collection(acquisition, assembler, shape, self._memory, self._path)
        self._last_frame = self._clock()
        self._counts[Count.ACQUISITIONS] += 1
        log.info(
            "acquisition started id=%s nav=%s sig=%s dtype=%s frames_per_block=%d slots=%d",
            acquisition.ident, acquisition.nav_shape, acquisition.sig_shape,
            acquisition.dtype, stretch, shape.slots,
        )  # fmt: skip
        self._tell("started", acquisition, int(self._counts[Count.SERIES]))

    def _arrived(self, frame: Arrived) -> None:
        belongs = self._ledger.of(frame.series)
        if belongs is Belongs.STALE:
            self._counts[Count.STALE] += 1
            return
        if belongs is Belongs.UNKNOWN:
            # its header was lost, or we came late: the frame itself says enough
            self._started(Started(frame.series, 0, None, None, None))
        if self._announced is not None:
            self._announce(self._announced, frame.sig_shape, frame.dtype)
        if self._is_undecided:
            self._waiting = frame
            return
        if self._collection is None:
            self._counts[Count.STALE] += 1  # the series was refused; its frames follow it
            return
        now = self._clock()
        verdict = self._collection.take(frame, now)
        self._last_frame = now
        if verdict == 0:
            self._counts[Count.RECEIVED] += 1
            self._counts[Count.PAYLOAD_BYTES] += frame.payload.nbytes
        elif verdict == Verdict.FULL:
            self._waiting = frame
            self._counts[Count.STALLS] += 1
        elif verdict == Verdict.DUPLICATE:
            self._counts[Count.DUPLICATE] += 1
        elif verdict == Verdict.NOWHERE:
            self._counts[Count.NOWHERE] += 1
        else:
            self._refuse(
                ProtocolError(
                    "frame-too-large",
                    f"frame {frame.frame} takes {frame.payload.nbytes} bytes encoded, more than "
                    f"its {self._collection.acquisition.frame_bytes} bytes of pixels allow",
                )
            )
        self._hand_out()

    def _hand_out(self) -> None:
        if self._collection is not None and self._collection.assembler.sealed:
            for block in self._collection.sealed(time.monotonic()):
                self._tell("block", block)

    # time -----------------------------------------------------------------------------------

    def _patience(self) -> float | None:
        if self._collection is None:
            return None
        now = self._clock()
        due = [self._last_frame + limit for limit in self._silence()]
        oldest = self._collection.assembler.oldest()
        if oldest is not None:
            due.append(oldest + self._settings.update_seconds)
        return max(0.0, min(due) - now) if due else None

    def _silence(self) -> tuple[float, ...]:
        """After how long a silence something must be done [s]."""
        assert self._collection is not None
        if self._waiting is not None:
            return ()  # it is us who are silent
        if self._collection.assembler.is_complete:
            return (END_GRACE_SECONDS,)
        if self._settings.hold and not self._collection.assembler.received:
            return ()  # armed: whoever took it may start the scan much later
        idle = self._settings.idle_seconds
        return () if idle is None else (idle,)

    def _look_at_clock(self) -> None:
        if self._collection is None:
            return
        now = self._clock()
        self._collection.assembler.seal_overdue(now - self._settings.update_seconds)
        self._hand_out()
        for limit in self._silence():
            if now - self._last_frame >= limit:
                self._end(f"no frame for {limit:g} s and no end of series")
                return

    def _end(self, reason: str) -> None:
        collection, self._collection = self._collection, None
        self._ledger.end()
        self._header = self._announced = self._waiting = self._opening = None
        held, self._held = self._held, None
        if held is not None:
            self._tell("withdrawn", held[0].ident, reason)
        if collection is None:
            return
        collection.assembler.seal_all()
        for block in collection.sealed(time.monotonic()):
            self._tell("block", block)
        assembler, scan = collection.assembler, collection.acquisition.scan
        complete = assembler.is_complete
        if not complete:
            text = f"{assembler.received} of {scan.size} positions received: {reason}"
        elif assembler.received == scan.size:
            text = f"all {scan.size} positions received"
        else:
            text = f"all frames received, for {assembler.received} of {scan.size} positions"
        cut_short = not complete and not assembler.reached_end
        ending = Ending(complete, text, losses(self._counts), cut_short)
        log.info("acquisition ended id=%s %s", collection.acquisition.ident, text)
        self._tell("ended", collection.acquisition.ident, ending)


def _facts(header: Started) -> tuple[object, ...]:
    """What makes two headers mean the same."""
    return header.sig_shape, header.dtype, header.frames, header.channels, header.frame_time


def main(connection: Connection, settings: StreamSettings, path: str, size: int) -> None:
    """Life of the receiver process.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        To the main process.
    settings : StreamSettings
    path : str
        The ring's segment.
    size : int
        Its length [bytes].
    """
    logging.basicConfig(format="%(levelname)s receiver: %(message)s", level=settings.log_level)
    ring = Segment.attach(path, size)
    with ExitStack() as stack:
        try:
            transport = stack.enter_context(ZmqTransport(settings.endpoint))
            receiver = Receiver(connection, transport, settings, path, ring.bytes)
        except FramefoldError as error:
            connection.send_bytes(pickle.dumps(("failed", str(error))))
            return
        connection.send_bytes(pickle.dumps(("listening",)))
        receiver.run()
