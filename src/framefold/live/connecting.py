"""Connecting: which way of reading a connection is right for an endpoint and a protocol."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from framefold.errors import ConfigError
from framefold.live.libzmq import ZmqTransport
from framefold.live.mpx_connection import MpxConnection
from framefold.live.settings import StreamSettings
from framefold.live.transport import Transport
from framefold.live.zmtp_transport import ZmtpTransport
from framefold.protocols import protocols
from framefold.protocols.batch import Messages

log = logging.getLogger(__name__)


def connect(endpoint: str, way: str = "auto") -> Transport:
    """A transport that connects to an endpoint, now or as soon as there is somebody.

    Parameters
    ----------
    endpoint : str
        Where the detector sends.
    way : str
        ``"zmtp"`` for our own reading of ZeroMQ's wire, ``"libzmq"`` for the library, ``"auto"``
        for our own as far as it goes; ``"mpx"`` for Merlin's messages over TCP.

    Raises
    ------
    ConfigError
        If the endpoint cannot be used in this way.
    """
    if way == "libzmq":
        return ZmqTransport(endpoint)
    if way == "mpx":
        return ZmtpTransport(endpoint, connection=MpxConnection)
    if way == "zmtp":
        return ZmtpTransport(endpoint)
    try:
        return Yielding(endpoint, ZmtpTransport(endpoint))
    except ConfigError:
        return ZmqTransport(endpoint)  # it knows further kinds of endpoint, and refuses the rest


def connect_as(settings: StreamSettings) -> Transport:
    """The transport that settings ask for: what they say, or what goes with the protocol.

    Raises
    ------
    ConfigError
        If the endpoint cannot be used in this way.
    UnknownNameError
        If there is no such protocol.
    """
    way = settings.transport
    if way == "auto" and settings.protocol != "auto":
        way = protocols.load(settings.protocol).transport
    return connect(settings.endpoint, way)


class Yielding(Transport):
    """Our own reading, which yields to the library once an older ZMTP than 3 is heard.

    Parameters
    ----------
    endpoint : str
        Where the detector sends.
    ours : ZmtpTransport
        Connects there.
    """

    def __init__(self, endpoint: str, ours: ZmtpTransport) -> None:
        self._endpoint = endpoint
        self._ours = ours
        self._used: Transport = ours

    @property
    def _is_ours(self) -> bool:
        return self._used is self._ours

    @property
    def connected(self) -> bool:  # type: ignore[override]
        """Whether the detector's socket is there."""
        return self._used.connected

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        """Wait for orders or messages."""
        if self._ours.is_old and self._is_ours:
            log.info("libzmq takes over source=%s", self._endpoint)
            self._ours.close()
            self._used = ZmqTransport(self._endpoint)
        return self._used.wait(control, seconds, data=data)

    def receive(self) -> Sequence[bytes | memoryview] | None:
        """The parts of the next message that is here already."""
        return self._used.receive()

    def at_hand(self) -> Messages | None:
        """The messages that are here already, where they lie."""
        return self._used.at_hand()

    def take(self, count: int) -> None:
        """The first so many messages at hand are done with."""
        self._used.take(count)

    def close(self) -> None:
        """Leave the detector."""
        self._used.close()
