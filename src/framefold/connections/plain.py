"""Whoever sends the plain protocol: a connection to the ZeroMQ stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framefold.connections.stream_connection import StreamConnection, alone, with_buffer
from framefold.live.held_stream import HeldStream

DATA_PORT = 31001


class PlainConnector:
    """Opens connections to senders of the plain protocol.

    Parameters
    ----------
    open_stream : callable
        Makes a `HeldStream` from an endpoint and settings.
    """

    def __init__(self, open_stream: Callable[..., HeldStream]) -> None:
        self._open_stream = open_stream

    def open(
        self,
        data_host: str = "127.0.0.1",
        data_port: int = DATA_PORT,
        buffer_size: int | None = None,
        *,
        address: str | None = None,
        **settings: Any,
    ) -> StreamConnection:
        """Connect to a sender.

        A connection to the same address that is open in this program is closed, with a warning.

        Parameters
        ----------
        data_host, data_port
            Where it sends.
        buffer_size : int, optional
            Shared memory for frames on their way [MiB].
        address : str, optional
            Where it sends, as ``tcp://HOST:PORT``, in place of host and port.
        **settings
            The fields of `framefold.live.settings.StreamSettings`.

        Raises
        ------
        ConfigError
            If nobody can listen there.
        """
        endpoint = address or f"tcp://{data_host}:{data_port}"
        told = {"protocol": "plain", **with_buffer(settings, buffer_size)}
        return alone(endpoint, lambda: StreamConnection(self._open_stream(endpoint, **told)))
