"""StreamConnection: a connection to whatever a detector sends, one acquisition after another."""

from __future__ import annotations

import logging
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from framefold.connections.connection import Connection
from framefold.connections.pending import PendingAcquisition
from framefold.core.reader import Reader
from framefold.live.announcement import Announcement, ScanChoice
from framefold.live.held_stream import HeldStream
from framefold.live.settings import MIB
from framefold.live.stream import StreamStatistics

log = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
"""How long we wait for the detector's socket before we say that we listen: frames that are sent
earlier wait at the detector, if it keeps them."""


class StreamConnection(Connection):
    """A connection to a detector's stream.

    Parameters
    ----------
    stream : HeldStream
    """

    def __init__(self, stream: HeldStream) -> None:
        super().__init__()
        self._stream = stream

    @property
    def address(self) -> str:
        """Where the detector sends."""
        return self._stream.settings.endpoint

    def statistics(self) -> StreamStatistics:
        """What was seen so far; asks nobody and never waits."""
        return self._stream.statistics()

    def wait_ready(self) -> None:
        """Wait until the detector's socket is there; after `CONNECT_SECONDS` go on without."""
        if not self._stream.wait_connected(CONNECT_SECONDS):
            log.warning("nobody there yet address=%s", self.address)

    def scan_of(self, found: Announcement) -> tuple[int, ...] | None:
        """The scan shape, where the detector tells."""
        return None if found.scan is None else found.scan.shape

    def next_pending(self, timeout: float | None) -> PendingAcquisition | None:
        """See `Connection.next_pending`."""
        found = self._stream.next_announcement(timeout)
        if found is None:
            return None
        return PendingAcquisition(found, self.address, self.scan_of(found))

    def take(self, pending: PendingAcquisition, choice: ScanChoice) -> Reader:
        """See `Connection.take`."""
        return self._stream.take(pending.announcement, choice)

    def leave(self, pending: PendingAcquisition) -> None:
        """See `Connection.leave`."""
        self._stream.leave(pending.announcement)

    def close(self) -> None:
        """See `Connection.close`."""
        self._stream.end()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._stream.is_closed

    def __repr__(self) -> str:
        return f"<connection to {self.address}>"


_Opened = TypeVar("_Opened", bound=StreamConnection)
_open: weakref.WeakValueDictionary[str, StreamConnection] = weakref.WeakValueDictionary()
"""By address. A detector shares its frames out among all who listen, or talks to one only."""


def alone(endpoint: str, opened: Callable[[], _Opened]) -> _Opened:
    """Open a connection, and close one to the same address that is open in this program.

    Parameters
    ----------
    endpoint : str
    opened : callable
        Opens it.
    """
    earlier = _open.get(endpoint)
    if earlier is not None and not earlier.is_closed:
        warnings.warn(
            f"{endpoint} was open already; that connection is closed now, since two would "
            "share the frames between them. Close it yourself, or use `with`",
            stacklevel=3,
        )
        earlier.close()
    found = opened()
    _open[endpoint] = found
    return found


def with_buffer(settings: Mapping[str, Any], buffer_size: int | None) -> dict[str, Any]:
    """Settings of a stream with so much shared memory for frames on their way [MiB]."""
    return {**settings} if buffer_size is None else {**settings, "ring_bytes": buffer_size * MIB}
