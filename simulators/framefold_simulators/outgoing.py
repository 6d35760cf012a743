"""Outgoing: where the messages of a simulated detector go out, at a given pace."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from framefold_simulators.faulty_series import Reboot, Stall

STEP = 0.05  # seconds between looks at whether to stop


class Outgoing(ABC):
    """Sends messages to the one client that connects; one thread at a time may send.

    Attributes
    ----------
    endpoint : str
        Where clients connect.
    stopping : threading.Event
        Set when nothing more is to be sent.
    """

    endpoint: str

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def send(
        self,
        messages: Iterable[Sequence[bytes | memoryview] | Stall | Reboot],
        rate: float | None = None,
        until: threading.Event | None = None,
    ) -> int:
        """Send message after message, waiting for a client to connect where there is none.

        Parameters
        ----------
        messages : iterable of sequence of bytes, Stall or Reboot
            The parts of each message, or what happens instead.
        rate : float or None
            Messages per second; as fast as the other side takes them when None.
        until : threading.Event or None
            Stop before the next message once this is set.

        Returns
        -------
        int
            How many messages went out; fewer than there are if it was told to stop.
        """
        sent = 0
        begin: float | None = None
        for message in messages:
            if isinstance(message, Stall):
                self._wait(message.seconds, until)
                continue
            if isinstance(message, Reboot):
                self.reboot(message.seconds)
                continue
            if rate is not None and begin is not None:
                self._wait(begin + sent / rate - time.monotonic(), until)
            if not self._push(message, until):
                break
            # the clock starts when somebody listens
            begin = time.monotonic() if begin is None else begin
            sent += 1
        return sent

    def _wait(self, seconds: float, until: threading.Event | None) -> None:
        # below a millisecond we would be late more often than early; the next one catches up
        while seconds > 1e-3 and not self._told(until):
            self.stopping.wait(min(seconds, STEP))
            seconds -= STEP

    def _push(self, message: Sequence[bytes | memoryview], until: threading.Event | None) -> bool:
        """Whether the message went out. A bound PUSH without clients is not ready to send."""
        while not self._told(until):
            if self.offer(message):
                return True
            self._wait_for_room()
        return False

    @abstractmethod
    def offer(self, message: Sequence[bytes | memoryview]) -> bool:
        """Send one message if a client takes it now; whether it did."""

    @abstractmethod
    def _wait_for_room(self) -> None:
        """Wait until a client may take a message, but not for long."""

    @abstractmethod
    def reboot(self, seconds: float) -> None:
        """Close every connection, and listen at the same address again after a while."""

    @abstractmethod
    def close(self, linger: float = 5.0) -> None:
        """Stop sending, and give what was sent up to ``linger`` seconds to go out."""

    def _told(self, until: threading.Event | None) -> bool:
        return self.stopping.is_set() or (until is not None and until.is_set())
