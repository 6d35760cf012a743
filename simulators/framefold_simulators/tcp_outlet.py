"""TcpOutlet: messages over a plain TCP connection, as a Merlin serves its data port."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Sequence

from framefold_simulators.outgoing import STEP, Outgoing


class TcpOutlet(Outgoing):
    """A server that talks to one client at a time; further ones wait in the queue.

    Parameters
    ----------
    bind : str
        ``tcp://HOST:PORT``; port 0 takes a free one, see `endpoint`.
    """

    def __init__(self, bind: str = "tcp://127.0.0.1:0") -> None:
        super().__init__()
        host, colon, port = bind.removeprefix("tcp://").rpartition(":")
        if not (bind.startswith("tcp://") and colon and port.isdigit() and host):
            raise OSError(f"cannot bind {bind}: give tcp://HOST:PORT")
        self._address = (host, int(port))
        self._client: socket.socket | None = None
        self._unsent = memoryview(b"")  # the rest of a message
        self._server = self._bound(bind)
        self._address = (host, self._server.getsockname()[1])
        self.endpoint = f"tcp://{host}:{self._address[1]}"

    def _bound(self, bind: str) -> socket.socket:
        server = socket.socket()
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(self._address)
            server.listen()
            server.setblocking(False)
        except OSError as error:
            server.close()
            raise OSError(error.errno, f"cannot bind {bind}: {error}") from error
        return server

    def offer(self, message: Sequence[bytes | memoryview]) -> bool:
        """Send one message, or the beginning of it, if a client takes it now; whether it did."""
        if self._client is None and not self._accepted():
            return False
        if not self._go_on():
            return False
        self._unsent = memoryview(b"".join(message))
        self._go_on()
        return True

    def _push(self, message: Sequence[bytes | memoryview], until: threading.Event | None) -> bool:
        """Whether the message went out, all of it unless we were told to stop within."""
        begun = super()._push(message, until)
        while begun and not self._go_on() and not self._told(until):
            self._wait_for_room()
        return begun

    def _accepted(self) -> bool:
        try:
            self._client, _ = self._server.accept()
        except BlockingIOError:
            return False
        self._client.setblocking(False)
        return True

    def _go_on(self) -> bool:
        """Send what is left of the last message; whether nothing is left."""
        try:
            while self._unsent and self._client is not None:
                self._unsent = self._unsent[self._client.send(self._unsent) :]
        except BlockingIOError:
            return False
        except ConnectionError:
            self._leave()  # the rest goes nowhere; another client may come
            return False
        return True

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client, self._unsent = None, memoryview(b"")

    def _wait_for_room(self) -> None:
        if self._client is None:
            select.select([self._server], [], [], STEP)
        else:
            select.select([], [self._client], [], STEP)

    def reboot(self, seconds: float) -> None:
        """Close every connection, and listen at the same address again after a while."""
        self._finish(1.0)
        self._server.close()
        self.stopping.wait(seconds)
        if not self.stopping.is_set():
            self._server = self._bound(self.endpoint)

    def _finish(self, linger: float) -> None:
        """Let the rest of the last message go out, and leave the client."""
        for _ in range(int(linger / STEP)):
            if self._go_on():
                break
            self._wait_for_room()
        self._leave()

    def close(self, linger: float = 5.0) -> None:
        """Stop sending, and give what was sent up to ``linger`` seconds to go out."""
        self.stopping.set()
        if self._server.fileno() >= 0:
            self._finish(linger)
            self._server.close()
