"""Quantum Detectors Merlin: a connection to the data port, and where it is commanded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framefold.connections.merlin_controller import API_PORT, MerlinController
from framefold.connections.stream_connection import StreamConnection, alone, with_buffer
from framefold.errors import ParameterError
from framefold.live.held_stream import HeldStream

DATA_PORT = 6342


class MerlinConnector:
    """Opens connections to Merlin readouts.

    Parameters
    ----------
    open_stream : callable
        Makes a `HeldStream` from an endpoint and settings.
    """

    def __init__(self, open_stream: Callable[..., HeldStream]) -> None:
        self._open_stream = open_stream

    def open(
        self,
        api_host: str = "127.0.0.1",
        api_port: int = API_PORT,
        data_host: str | None = None,
        data_port: int = DATA_PORT,
        drain: bool = False,  # noqa: ARG002
        recovery_strategy: str = "immediate_reconnect",  # noqa: ARG002
        buffer_size: int | None = None,
        **settings: Any,
    ) -> MerlinConnection:
        """Connect to a readout's data port.

        A connection to the same address that is open in this program is closed, with a warning.

        Parameters
        ----------
        api_host, api_port
            Where it is commanded; used by controllers only.
        data_host, data_port
            Where it sends; ``data_host`` is ``api_host`` when left out.
        drain, recovery_strategy
            Accepted and without effect: what is left of an earlier acquisition is told by the
            header of the next, and a connection that is lost is dialled again.
        buffer_size : int, optional
            Shared memory for frames on their way [MiB].
        **settings
            The fields of `framefold.live.settings.StreamSettings`.

        Raises
        ------
        ConfigError
            If nobody can listen there.
        """
        endpoint = f"tcp://{data_host or api_host}:{data_port}"
        told = {"protocol": "merlin", **with_buffer(settings, buffer_size)}
        return alone(
            endpoint,
            lambda: MerlinConnection(self._open_stream(endpoint, **told), (api_host, api_port)),
        )


class MerlinConnection(StreamConnection):
    """A connection to the data port of a Merlin readout.

    Parameters
    ----------
    stream : HeldStream
    api : tuple of (str, int)
        Host and port of its control port.
    """

    def __init__(self, stream: HeldStream, api: tuple[str, int]) -> None:
        super().__init__(stream)
        self._api = api

    def get_active_controller(self, **settings: Any) -> MerlinController:
        """What starts the readout when a run begins, for ``make_acquisition(controller=)``.

        Parameters
        ----------
        **settings
            The parameters of `MerlinController`; those left out are left as they are.

        Raises
        ------
        ParameterError
            If one of them is unknown.
        """
        try:
            return MerlinController(*self._api, **settings)
        except TypeError as error:
            raise ParameterError(f"controller settings: {error}") from error
