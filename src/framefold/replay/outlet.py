"""Outlet: a bound PUSH socket that a recording leaves by, as from a detector."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

import zmq

from framefold.errors import ConfigError
from framefold.faults.faulty_series import Reboot, Stall
from framefold.replay.faulty_replay import TimedStep
from framefold.replay.pace import Pace

QUEUE_MESSAGES = 1000
"""Messages that wait in the socket before sending does."""

_STEP = 0.05  # seconds between looks at whether to stop


class Outlet:
    """Sends messages to whoever connects.

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
        self._context = zmq.Context()
        self.stopping = threading.Event()
        """Set to have `send` return soon."""
        try:
            self._socket = self._bound(f"{bind[:-1]}*" if bind.endswith(":0") else bind)
        except zmq.ZMQError as error:
            self._context.destroy(0)
            raise ConfigError(
                f"cannot bind {bind!r}: {error}; give tcp://HOST:PORT that nobody uses"
            ) from error
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        """Where receivers connect."""

    def _bound(self, address: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUSH)
        socket.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        try:
            socket.bind(address)
        except zmq.ZMQError:
            socket.close(0)
            raise
        return socket

    def send(self, messages: Iterable[TimedStep], pace: Pace) -> int:
        """Send message after message, from when somebody listens.

        Parameters
        ----------
        messages : iterable of TimedStep
            Messages, and what happens between them.
        pace : Pace

        Returns
        -------
        int
            How many went out.
        """
        sent, began, before, start, due = 0, 0.0, 0.0, 0.0, 0.0
        for step in messages:
            if isinstance(step, Stall | Reboot):
                self._pause(step)
                began += step.seconds
                continue
            parts, recorded = step
            if recorded is not None and recorded < before:
                start = due  # it begins again
            before = recorded or 0.0
            due = (0.0 if pace.rate is not None else start) + pace.due(sent, recorded)
            if sent and not pace.is_free:
                self._wait_until(began + due)
            if not self._push(parts):
                break
            began = began or time.monotonic()
            sent += 1
        return sent

    def _pause(self, step: Stall | Reboot) -> None:
        """Send nothing for a while; of a reboot, without a connection to anybody."""
        if isinstance(step, Stall):
            self.stopping.wait(step.seconds)
            return
        self._socket.close(linger=1000)  # what is in the queue still goes out
        self.stopping.wait(step.seconds)
        while not self.stopping.is_set():
            try:
                self._socket = self._bound(self.endpoint)
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE:
                    raise
                self.stopping.wait(_STEP)  # the old one is on its way
            else:
                return

    def _wait_until(self, moment: float) -> None:
        # below a millisecond we would be late more often than early; the next one catches up
        while (left := moment - time.monotonic()) > 1e-3 and not self.stopping.is_set():
            self.stopping.wait(min(left, _STEP))

    def _push(self, parts: Sequence[bytes | memoryview]) -> bool:
        """Whether the message went out; waits for somebody who takes it."""
        while not self.stopping.is_set():
            try:
                self._socket.send_multipart(parts, zmq.DONTWAIT, copy=True)
            except zmq.Again:
                self._socket.poll(int(_STEP * 1000), zmq.POLLOUT)
                continue
            return True
        return False

    def close(self, linger: float = 60.0) -> None:
        """Stop, and give what is in the queue so many seconds to go out."""
        self.stopping.set()
        self._socket.close(linger=int(linger * 1000))
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(0 if error else 60.0)
