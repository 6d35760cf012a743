"""Sender: messages onto a PUSH socket that is bound, as detectors have it, at a given pace."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

import zmq

from framefold_simulators.faulty_series import Reboot, Stall
from framefold_simulators.outgoing import STEP, Outgoing


class Outlet(Outgoing):
    """A bound PUSH socket; one thread at a time may send.

    Parameters
    ----------
    bind : str
        ``tcp://HOST:PORT``; port 0 or ``*`` takes a free one, see `endpoint`.
    queue : int
        Messages that wait in the socket before sending does (high-water mark).
    """

    def __init__(self, bind: str = "tcp://127.0.0.1:0", queue: int = 1000) -> None:
        super().__init__()
        self._context = zmq.Context()
        self._queue = queue
        try:
            self._socket = self._bound(
                bind.removesuffix(":0") + ":*" if bind.endswith(":0") else bind
            )
        except zmq.ZMQError as error:
            self._context.destroy()
            raise OSError(error.errno, f"cannot bind {bind}: {error}") from error
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def _bound(self, bind: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUSH)
        # set before bind: connections take what they find
        socket.sndhwm = self._queue
        socket.linger = 0
        try:
            socket.bind(bind)
        except zmq.ZMQError:
            socket.close()
            raise
        return socket

    def offer(self, message: Sequence[bytes | memoryview]) -> bool:
        """Send one message if a client takes it now; whether it did."""
        try:
            self._socket.send_multipart(message, zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        return True

    def _wait_for_room(self) -> None:
        self._socket.poll(int(STEP * 1000), zmq.POLLOUT)

    def reboot(self, seconds: float) -> None:
        """Close every connection, and listen at the same address again after a while.

        What was sent before still goes out where a client takes it within a second.
        """
        self._socket.close(linger=1000)
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

    def close(self, linger: float = 5.0) -> None:
        """Stop sending, and give what is in the queue up to ``linger`` seconds to go out."""
        self.stopping.set()
        if not self._context.closed:
            self._socket.close(linger=int(linger * 1000))
            self._context.term()


class Sender:
    """A thread that sends messages from a bound PUSH socket; a context manager.

    Parameters
    ----------
    messages : iterable of sequence of bytes, Stall or Reboot
        The parts of each message, or what happens instead; taken in the thread.
    bind : str
        ``tcp://HOST:PORT``; port 0 takes a free one.
    rate : float or None
        Messages per second; as fast as the other side takes them when None.
    queue : int
        High-water mark of the socket [messages].
    """

    def __init__(
        self,
        messages: Iterable[Sequence[bytes | memoryview] | Stall | Reboot],
        bind: str = "tcp://127.0.0.1:0",
        rate: float | None = None,
        queue: int = 1000,
    ) -> None:
        self._outlet = Outlet(bind, queue)
        self._messages = messages
        self._rate = rate
        self._thread = threading.Thread(target=self._send, name="sender", daemon=True)
        self.sent = 0  # written by: the thread
        self.error: BaseException | None = None  # written by: the thread

    @property
    def endpoint(self) -> str:
        """Where clients connect."""
        return self._outlet.endpoint

    def start(self) -> Self:
        """Begin to send, as soon as a client is there."""
        self._thread.start()
        return self

    def _send(self) -> None:
        try:
            self.sent = self._outlet.send(self._messages, self._rate)
        except BaseException as error:  # noqa: BLE001 - raised again in join
            self.error = error

    def join(self, timeout: float | None = None) -> int:
        """Wait until all is sent.

        Returns
        -------
        int
            Messages sent.

        Raises
        ------
        TimeoutError
            If that takes longer than ``timeout`` seconds.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(f"still sending after {timeout} s: does anybody receive?")
        if self.error is not None:
            raise self.error
        return self.sent

    def close(self, linger: float = 5.0) -> None:
        """Stop, and release the address."""
        self._outlet.stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._outlet.close(linger)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(0 if error else 5.0)
