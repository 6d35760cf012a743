"""DECTRIS detectors: a connection to the ZeroMQ stream, and where it is commanded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from framefold.connections.dectris_controller import DectrisController
from framefold.connections.stream_connection import StreamConnection, alone, with_buffer
from framefold.errors import ParameterError
from framefold.live.announcement import Announcement
from framefold.live.held_stream import HeldStream

API_PORT = 80
DATA_PORT = 9999


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
        endpoint = address or f"tcp://{data_host or api_host}:{data_port}"
        api = None if api_host is None else f"http://{api_host}:{api_port}"
        return alone(
            endpoint,
            lambda: DectrisConnection(
                self._open_stream(endpoint, **with_buffer(settings, buffer_size)), api
            ),
        )


class DectrisConnection(StreamConnection):
    """A connection to the stream of a DECTRIS detector.

    Parameters
    ----------
    stream : HeldStream
    api : str or None
        Where it is commanded, as ``http://HOST:PORT``.
    """

    def __init__(self, stream: HeldStream, api: str | None) -> None:
        super().__init__(stream)
        self._api = api

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

    def scan_of(self, found: Announcement) -> tuple[int, ...] | None:
        """The scan shape, where the header tells that each trigger was for a line."""
        return super().scan_of(found) or lines(found.metadata)
