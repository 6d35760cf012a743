"""DECTRIS detectors: a connection to the ZeroMQ stream, and where it is commanded."""

from __future__ import annotations

import logging
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from framefold.connections.connection import Connection
from framefold.connections.dectris_controller import DectrisController
from framefold.connections.pending import PendingAcquisition
from framefold.core.reader import Reader
from framefold.errors import ParameterError
from framefold.live.announcement import ScanChoice
from framefold.live.held_stream import HeldStream
from framefold.live.settings import MIB
from framefold.live.stream import StreamStatistics

log = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
"""How long we wait for the detector's socket before we say that we listen: frames that are sent
earlier wait at the detector, if it keeps them."""

API_PORT = 80
DATA_PORT = 9999

_open: weakref.WeakValueDictionary[str, DectrisConnection] = weakref.WeakValueDictionary()
"""By address. A detector shares its frames out among all who listen, so one of us must do."""


def lines(config: Mapping[str, object]) -> tuple[int, int] | None:
    """The scan shape, where a header tells that each trigger was for a line of it.

    Parameters
    ----------
    config : mapping
        What the header held: ``ntrigger`` and ``nimages`` of SIMPLON API 1.8 in stream v1.
    """
    triggers, images = config.get("ntrigger"), config.get("nimages")
    if config.get("trigger_mode") in ("exte", "inte"):
        return None  # a frame for each trigger, whatever nimages says
    if isinstance(triggers, int) and isinstance(images, int) and triggers > 1 and images > 1:
        return triggers, images
    return None


class DectrisConnector:
    """Opens connections to DECTRIS detectors.

    Parameters
    ----------
    open_stream : callable
        Makes a `HeldStream` from an endpoint and settings.
    """

    def __init__(self, open_stream: Callable[..., HeldStream]) -> None:
        self._open_stream = open_stream

    def open(
        self,
        api_host: str | None = None,
        api_port: int = API_PORT,
        data_host: str | None = None,
        data_port: int = DATA_PORT,
        buffer_size: int | None = None,
        bytes_per_frame: int | None = None,  # noqa: ARG002
        frame_stack_size: int | None = None,  # noqa: ARG002
        huge_pages: bool = False,  # noqa: ARG002
        *,
        address: str | None = None,
        **settings: Any,
    ) -> DectrisConnection:
        """Connect to a detector's stream.

        A connection to the same address that is open in this program is closed, with a warning.

        Parameters
        ----------
        api_host, api_port
            Where the detector is commanded; only a controller needs it.
        data_host, data_port
            Where it sends; ``data_host`` is ``api_host`` when left out.
        buffer_size : int, optional
            Shared memory for frames on their way [MiB].
        bytes_per_frame, frame_stack_size, huge_pages
            Accepted and without effect: frames are measured as they come.
        address : str, optional
            Where it sends, as ``tcp://HOST:PORT``, in place of host and port.
        **settings
            The fields of `framefold.live.settings.StreamSettings`, ``idle_seconds`` and
            ``update_seconds`` among them.

        Raises
        ------
        ParameterError
            If it is not said where the detector sends, or said twice.
        ConfigError
            If nobody can listen there.
        """
        if address is None and data_host is None and api_host is None:
            raise ParameterError("give data_host= (and data_port=), or address='tcp://HOST:PORT'")
        if address is not None and data_host is not None:
            raise ParameterError(f"address={address!r} and data_host={data_host!r}: give one")
        if buffer_size is not None:
            settings["ring_bytes"] = buffer_size * MIB
        endpoint = address or f"tcp://{data_host or api_host}:{data_port}"
        earlier = _open.get(endpoint)
        if earlier is not None and not earlier.is_closed:
            warnings.warn(
                f"{endpoint} was open already; that connection is closed now, since two would "
                "share the frames between them. Close it yourself, or use `with`",
                stacklevel=2,
            )
            earlier.close()
        api = None if api_host is None else f"http://{api_host}:{api_port}"
        found = DectrisConnection(self._open_stream(endpoint, **settings), api)
        _open[endpoint] = found
        return found


class DectrisConnection(Connection):
    """A connection to the stream of a DECTRIS detector.

    Parameters
    ----------
    stream : HeldStream
    api : str or None
        Where it is commanded, as ``http://HOST:PORT``.
    """

    def __init__(self, stream: HeldStream, api: str | None) -> None:
        super().__init__()
        self._stream = stream
        self._api = api

    @property
    def address(self) -> str:
        """Where the detector sends."""
        return self._stream.settings.endpoint

    def get_active_controller(self, **settings: Any) -> DectrisController:
        """What arms the detector when a run begins, for ``make_acquisition(controller=)``.

        Parameters
        ----------
        **settings
            The parameters of `DectrisController`; those left out are left as they are.

        Raises
        ------
        ParameterError
            If the connection was opened without ``api_host``.
        """
        if self._api is None:
            raise ParameterError(f"{self!r} does not know where commands go: open with api_host=")
        try:
            return DectrisController(self._api, **settings)
        except TypeError as error:
            raise ParameterError(f"controller settings: {error}") from error

    def statistics(self) -> StreamStatistics:
        """What was seen so far; asks nobody and never waits."""
        return self._stream.statistics()

    def wait_ready(self) -> None:
        """Wait until the detector's socket is there; after `CONNECT_SECONDS` go on without."""
        if not self._stream.wait_connected(CONNECT_SECONDS):
            log.warning("nobody there yet address=%s", self.address)

    def next_pending(self, timeout: float | None) -> PendingAcquisition | None:
        """See `Connection.next_pending`."""
        found = self._stream.next_announcement(timeout)
        if found is None:
            return None
        return PendingAcquisition(found, self.address, lines(found.metadata))

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
