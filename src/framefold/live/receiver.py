"""Receiver: the process that listens. Orders and messages in, announcements out."""

from __future__ import annotations

import logging
import pickle
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from framefold.errors import FramefoldError, ProtocolError
from framefold.live.connecting import connect_as
from framefold.live.counters import Count, counters
from framefold.live.intake import Intake
from framefold.live.settings import StreamSettings
from framefold.live.transport import Transport
from framefold.processes.segment import Segment
from framefold.protocols import (
    Event,
    Part,
    WireProtocol,
    protocols,
    recognise,
)

log = logging.getLogger(__name__)

MESSAGES_PER_TURN = 256
"""Messages taken before orders and the clock are looked at again."""


class Receiver:
    """Listens to one detector.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        To the main process: orders come, announcements go.
    transport : Transport
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
        transport: Transport,
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
        self._protocol: WireProtocol | None = None
        self._intake = Intake(settings, path, memory, self._tell, clock)
        self._was_connected = False
        self._said_exhausted = False
        self._stopping = False

    def run(self) -> None:
        """Listen until told to stop."""
        while not self._stopping:
            self.turn()

    def turn(self) -> None:
        """Wait for something to do, and do it."""
        intake, transport = self._intake, self._transport
        orders, messages = transport.wait(
            self._connection.fileno(), intake.patience(), data=not intake.is_blocked
        )
        woken = self._clock()
        if orders:
            self._obey()
        if messages:
            self._drain()
        intake.look_at_clock(self._clock() - woken)
        intake.counts[Count.CONNECTED] = transport.connected
        if self._settings.hold and transport.connected and not self._was_connected:
            self._tell("connected")
        self._was_connected = transport.connected
        if transport.is_exhausted and not self._said_exhausted and intake.is_idle:
            self._said_exhausted = True
            self._tell("exhausted")

    # orders ---------------------------------------------------------------------------------

    def _obey(self) -> None:
        intake = self._intake
        while self._connection.poll():
            verb, *facts = pickle.loads(self._connection.recv_bytes())
            if verb == "stop":
                self._stopping = True
            elif verb == "free":
                intake.give_back(facts[0])
            elif verb == "take":
                intake.decide(facts[0], facts[1])
            elif verb == "leave":
                intake.decide(facts[0], None)
            elif verb == "drop":
                intake.drop(facts[0])
        self._fenced(intake.resume)

    def _tell(self, *facts: object) -> None:
        self._connection.send_bytes(pickle.dumps(facts))

    # messages -------------------------------------------------------------------------------

    def _drain(self) -> None:
        taken = 0
        while taken < MESSAGES_PER_TURN and not self._intake.is_blocked:
            many = self._take_images()
            if not many:
                parts = self._transport.receive()
                if parts is None:
                    return
                self._intake.counts[Count.MESSAGES] += 1
                self._handle_all(partial(self._events, parts), parts)
            taken += max(1, many)

    def _take_images(self) -> int:
        """Take the messages at hand that are images like the one before, all at once.

        That is only the shorter way to what `_handle_all` would do with each of them.
        """
        pattern = None if self._protocol is None else self._protocol.pattern
        if pattern is None or not self._intake.takes(pattern.like):
            return 0
        messages = self._transport.at_hand()
        if messages is None:
            return 0
        images = pattern.images(messages)
        if not len(images):
            return 0
        taken = self._intake.take(images)
        self._intake.counts[Count.MESSAGES] += taken
        self._transport.take(taken)
        return taken

    def _handle_all(self, events: Callable[[], Iterable[Event]], parts: Sequence[Part]) -> None:
        """Handle what a message says; a message we cannot make sense of is refused."""

        def handle() -> None:
            for event in events():
                self._intake.handle(event)

        self._fenced(handle, parts)

    def _fenced(self, act: Callable[[], None], parts: Sequence[Part] = ()) -> None:
        try:
            act()
        except ProtocolError as error:
            self._intake.refuse(error, parts)
        except (OSError, EOFError):
            raise  # whoever we work for is gone
        except Exception as error:  # noqa: BLE001 - fence around one message: count it, go on
            detail = "".join(traceback.format_exception(error))
            self._intake.refuse(ProtocolError("unexpected", detail), parts)

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
    listen(connection, settings, path, size, lambda _: connect_as(settings))


def listen(
    connection: Connection,
    settings: StreamSettings,
    path: str,
    size: int,
    open_transport: Callable[[NDArray[np.int64]], Transport],
) -> None:
    """Receive from whatever transport until told to stop.

    Parameters
    ----------
    connection, settings, path, size
        As for `main`.
    open_transport : callable
        Makes the transport, given the counters; a `FramefoldError` it raises is told to the main
        process.
    """
    logging.basicConfig(format="%(levelname)s %(message)s", level=settings.log_level)
    ring = Segment.attach(path, size)
    with ExitStack() as stack:
        try:
            transport = stack.enter_context(open_transport(counters(ring.bytes)))
            receiver = Receiver(connection, transport, settings, path, ring.bytes)
        except FramefoldError as error:
            connection.send_bytes(pickle.dumps(("failed", str(error))))
            return
        connection.send_bytes(pickle.dumps(("listening",)))
        receiver.run()
