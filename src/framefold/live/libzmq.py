"""ZmqTransport: messages by libzmq, the ZeroMQ project's own library."""

from __future__ import annotations

from collections.abc import Sequence

import zmq
from zmq.utils.monitor import parse_monitor_message

from framefold.errors import ConfigError
from framefold.live.transport import Transport

HIGH_WATER_MARK = 200
"""Messages queued before the sender is held back: a short queue stays in the cache. More than
that waits in the kernel's buffer, then at the sender."""

KERNEL_BUFFER_BYTES = 4 << 20
COPY_LIMIT_BYTES = 64 << 10
"""Below this a copied part is cheaper than one that keeps its ZeroMQ message alive."""


class ZmqTransport(Transport):
    """A PULL socket on a detector's PUSH socket.

    Everything that only counts for new connections is set before connecting.

    Parameters
    ----------
    endpoint : str
        ``tcp://HOST:PORT`` or ``ipc://PATH``.

    Raises
    ------
    ConfigError
        If ZeroMQ cannot make sense of the endpoint.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context(io_threads=1)
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.RCVBUF, KERNEL_BUFFER_BYTES)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED
        )
        self.connected = False
        self._last_bytes = 0
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise ConfigError(
                f"stream endpoint {endpoint!r} cannot be used: {error}; "
                "give tcp://HOST:PORT or ipc://PATH"
            ) from error
        self._poller = zmq.Poller()
        self._poller.register(self._monitor, zmq.POLLIN)

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        """Wait for orders or messages."""
        self._poller.register(control, zmq.POLLIN)
        if data:
            self._poller.register(self._socket, zmq.POLLIN)
        elif self._socket in self._poller:
            self._poller.unregister(self._socket)
        # longer than that is waited for in steps: the poller counts milliseconds in an int
        timeout = None if seconds is None else max(0, int(min(seconds, 3600) * 1000 + 0.999))
        ready = dict(self._poller.poll(timeout))
        if self._monitor in ready:
            event = parse_monitor_message(self._monitor.recv_multipart())
            self.connected = event["event"] == zmq.EVENT_CONNECTED
        return control in ready, self._socket in ready

    def receive(self) -> Sequence[bytes | memoryview] | None:
        """The parts of the next message that is here already; None when there is none."""
        try:
            if self._last_bytes < COPY_LIMIT_BYTES:
                parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=True)
                self._last_bytes = max(map(len, parts))
                return parts
            frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        views = [frame.buffer for frame in frames]
        self._last_bytes = max(view.nbytes for view in views)
        return views

    def close(self) -> None:
        """Leave the detector; what was not received is dropped."""
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
        self._context.term()
