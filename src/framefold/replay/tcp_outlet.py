"""TcpOutlet: a TCP port that a recording leaves by, as from a Merlin's data port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from framefold.errors import ConfigError
from framefold.replay.outlet import STEP, Outlet


class TcpOutlet(Outlet):
    """Sends messages behind ``MPX,`` and their length to one client at a time.

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
        host, _, port = bind.removeprefix("tcp://").rpartition(":")
        if not (bind.startswith("tcp://") and host and port.isdecimal() and int(port) < 1 << 16):
            raise ConfigError(f"cannot bind {bind!r}: give tcp://HOST:PORT")
        self._client: socket.socket | None = None
        try:
            self._server = self._bound(host, int(port))
        except OSError as error:
            raise ConfigError(
                f"cannot bind {bind!r}: {error}; give tcp://HOST:PORT that nobody uses"
            ) from error
        self._host, self._port = host, int(self._server.getsockname()[1])
        self.endpoint = f"tcp://{host}:{self._port}"

    @staticmethod
    def _bound(host: str, port: int) -> socket.socket:
        server = socket.create_server((host, port))
        server.settimeout(STEP)
        return server

    def _push(self, parts: Sequence[bytes | memoryview]) -> bool:
        content = b"".join(parts)
        # the number counts the comma behind it
        message = b"MPX,%010d,%b" % (1 + len(content), content)
        while not self.stopping.is_set():
            if (self._client is not None or self._accepts()) and self._sends(message):
                return True
        return False

    def _accepts(self) -> bool:
        try:
            self._client, _ = self._server.accept()
        except TimeoutError:
            return False
        self._client.settimeout(STEP)
        return True

    def _sends(self, message: bytes) -> bool:
        """Whether the client took all of it; one that left takes nothing, and the next one all."""
        assert self._client is not None
        left = memoryview(message)
        while left and not self.stopping.is_set():
            try:
                left = left[self._client.send(left) :]
            except TimeoutError:
                continue
            except ConnectionError:
                self._leave()
                return False
        return not left

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()  # what the system has taken still goes out
        self._client = None

    def _reboot(self, seconds: float) -> None:
        self._leave()
        self._server.close()
        self.stopping.wait(seconds)
        while not self.stopping.is_set():
            try:
                self._server = self._bound(self._host, self._port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                self.stopping.wait(STEP)
            else:
                return

    def close(self, linger: float = 60.0) -> None:  # noqa: ARG002 - the system sees to what it took
        """Stop; what was sent still goes out."""
        self.stopping.set()
        self._leave()
        self._server.close()
