"""ZmtpTransport: messages straight off a socket, many at a time, by our own reading of them."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable

from framefold.errors import ProtocolError
from framefold.live.connection import Connection
from framefold.live.dialling import Dialler
from framefold.live.transport import Transport
from framefold.live.zmtp import OLD
from framefold.protocols.batch import Messages

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
"""How long connecting and introductions may take before we try anew."""

GATHERING_BYTES = 128 << 10
GATHERING_SECONDS = 0.001
"""While messages come closely one after another, we wake up for so many bytes or after so long."""

_LONGEST_WAIT = 3600.0  # the poller counts milliseconds in an int [s]


class ZmtpTransport(Transport):
    """One end of a connection to a detector; by default PULL to its PUSH, mechanism NULL.

    Parameters
    ----------
    endpoint : str
        ``tcp://HOST:PORT`` or ``ipc://PATH``.
    clock : callable
        The time by a clock that never goes back [s].
    connection : type
        How it is talked to.

    Raises
    ------
    ConfigError
        If the endpoint is neither.
    """

    def __init__(
        self,
        endpoint: str,
        clock: Callable[[], float] = time.monotonic,
        connection: type[Connection] = Connection,
    ) -> None:
        self._opens = connection
        self._endpoint = endpoint
        self._clock = clock
        self._dialler = Dialler(endpoint)
        self._poller = select.poll()
        self._connection: Connection | None = None
        self._due = clock()  # when to try again, or to give up introductions
        self._last_bytes = 0.0  # when some came
        self._readable = False  # whether it is worth while to read
        self._complaint = ""  # the last that was logged
        self.connected = False
        self.is_old = False
        """Whether a version of ZMTP is spoken there that only libzmq knows."""

    # waiting --------------------------------------------------------------------------------

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        """Wait for orders or messages, and keep the connection up meanwhile."""
        self._poller.register(control, select.POLLIN)
        limit = _LONGEST_WAIT if seconds is None else min(seconds, _LONGEST_WAIT)
        if self.connected:
            return self._wait_for_messages(control, limit, data=data)
        now = self._clock()
        if self._connection is None and now >= self._due:
            self._dial(now)
        limit = min(limit, max(0.0, self._due - now))
        if self._connection is not None:
            self._poller.register(self._connection, self._connection.wanted)
        ready = self._ready(limit)
        if self._connection is not None:
            self._introduce(self._connection, possible=self._connection.fileno() in ready)
        return control in ready, data and self.connected

    def _wait_for_messages(self, control: int, limit: float, *, data: bool) -> tuple[bool, bool]:
        connection = self._connection
        assert connection is not None
        if not data:
            # not even with an empty mask: the end of a connection would wake us for ever
            self._forget(connection)
            return control in self._ready(limit), False
        gathering = self._clock() - self._last_bytes < GATHERING_SECONDS
        if self.at_hand() is not None:
            return control in self._ready(0.0), True
        if self._connection is not connection:
            return False, False  # it was lost while we looked
        if gathering:
            limit = min(limit, GATHERING_SECONDS)
        connection.wake_at(GATHERING_BYTES if gathering else 1)
        self._poller.register(connection, connection.wanted)
        ready = self._ready(limit)
        self._readable = gathering or connection.fileno() in ready
        return control in ready, self._readable

    def _ready(self, limit: float) -> dict[int, int]:
        return dict(self._poller.poll(int(limit * 1000 + 0.999)))

    def _forget(self, connection: Connection) -> None:
        try:
            self._poller.unregister(connection)
        except KeyError:
            return  # it was not watched

    # connecting -----------------------------------------------------------------------------

    def _dial(self, now: float) -> None:
        try:
            self._connection = self._opens(self._dialler.dial())
        except OSError as error:
            log.debug("cannot connect source=%s error=%s", self._endpoint, error)
            self._due = now + self._dialler.pause()
        else:
            self._due = now + HANDSHAKE_SECONDS

    def _introduce(self, connection: Connection, *, possible: bool) -> None:
        try:
            if self._clock() >= self._due:
                raise ProtocolError("zmtp-silent", f"no handshake within {HANDSHAKE_SECONDS:g} s")
            if possible:
                connection.introduce()
        except (OSError, ProtocolError) as error:
            self._lose(error)
            return
        if connection.is_up:
            log.info("connected source=%s", self._endpoint)
            self._dialler.succeeded()
            self._complaint = ""
            self.connected = True

    def _lose(self, error: OSError | ProtocolError) -> None:
        """The connection is of no use any more; what came of a message is dropped."""
        assert self._connection is not None
        if isinstance(error, ProtocolError):
            self.is_old = error.kind == OLD
            if error.kind != self._complaint:
                self._complaint = error.kind
                log.error("no use talking to source=%s: %s", self._endpoint, error)
        else:
            level = logging.INFO if self.connected else logging.DEBUG
            log.log(level, "connection lost source=%s error=%s", self._endpoint, error)
        self._forget(self._connection)
        self._connection.close()
        self._connection = None
        self.connected = False
        self._due = self._clock() + self._dialler.pause()

    # messages -------------------------------------------------------------------------------

    def at_hand(self) -> Messages | None:
        """The messages that are here already, where they lie."""
        connection = self._connection
        if connection is None or not connection.is_up:
            return None
        try:
            while True:
                messages = connection.inbox.messages()
                if connection.inbox.commands:
                    connection.answer_commands()
                if messages is not None:
                    return messages
                if not self._readable:
                    return None
                room = connection.inbox.room()
                count = connection.read(room)
                # a little means that this was all: more is waited for, and gathers meanwhile
                self._readable = count >= min(len(room), GATHERING_BYTES)
                if count:
                    self._last_bytes = self._clock()
        except (OSError, ProtocolError) as error:
            self._lose(error)
            return None

    def take(self, count: int) -> None:
        """The first so many messages at hand are done with."""
        if self._connection is not None:
            self._connection.inbox.take(count)

    def receive(self) -> list[bytes] | None:
        """The parts of the next message that is here already, copied."""
        messages = self.at_hand()
        if messages is None:
            return None
        parts = messages.copied(0)
        self.take(1)
        return parts

    def close(self) -> None:
        """Leave the detector; what was not received is dropped."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.connected = False
