"""PushOutlet: a bound PUSH socket that a recording leaves by, as from a detector."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from framefold.errors import ConfigError
from framefold.replay.outlet import STEP, Outlet

QUEUE_MESSAGES = 1000
"""Messages that wait in the socket before sending does."""


class PushOutlet(Outlet):
    """Sends messages over ZeroMQ to whoever connects.

    Parameters
    ----------
    bind : str
        ``tcp://HOST:PORT``; port 0 takes a free one, see `endpoint`.

    Raises
    ------
    ConfigError
        If the address cannot be bound.
    """

    def __init__(self, bind: str) -> None:
        super().__init__()
        self._context = zmq.Context()
        try:
            self._socket = self._bound(f"{bind[:-1]}*" if bind.endswith(":0") else bind)
        except zmq.ZMQError as error:
            self._context.destroy(0)
            raise ConfigError(
                f"cannot bind {bind!r}: {error}; give tcp://HOST:PORT that nobody uses"
            ) from error
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def _bound(self, address: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUSH)
        socket.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        try:
            socket.bind(address)
        except zmq.ZMQError:
            socket.close(0)
            raise
        return socket

    def _reboot(self, seconds: float) -> None:
        self._socket.close(linger=1000)  # what is in the queue still goes out
        self.stopping.wait(seconds)
        while not self.stopping.is_set():
            try:
                self._socket = self._bound(self.endpoint)
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE:
                    raise
                self.stopping.wait(STEP)  # the old one is on its way
            else:
                return

    def _push(self, parts: Sequence[bytes | memoryview]) -> bool:
        while not self.stopping.is_set():
            try:
                self._socket.send_multipart(parts, zmq.DONTWAIT, copy=True)
            except zmq.Again:
                self._socket.poll(int(STEP * 1000), zmq.POLLOUT)
                continue
            return True
        return False

    def close(self, linger: float = 60.0) -> None:
        """Stop, and give what is in the queue so many seconds to go out."""
        self.stopping.set()
        self._socket.close(linger=int(linger * 1000))
        self._context.term()
