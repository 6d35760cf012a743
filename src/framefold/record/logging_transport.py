"""LoggingTransport: a transport whose messages go to a log, too, before they are understood."""

from __future__ import annotations

from collections.abc import Sequence

from framefold.live.transport import Transport
from framefold.protocols.batch import Messages
from framefold.record.message_log import MessageLog


class LoggingTransport(Transport):
    """Logs what is received.

    Parameters
    ----------
    inner : Transport
        Where messages come from.
    log : MessageLog
        Where they go, too; closed with this.
    """

    def __init__(self, inner: Transport, log: MessageLog) -> None:
        self._inner = inner
        self._log = log
        self._at_hand: Messages | None = None

    @property
    def connected(self) -> bool:  # type: ignore[override]
        """Whether the detector's socket is there."""
        return self._inner.connected

    @property
    def is_exhausted(self) -> bool:  # type: ignore[override]
        """Whether no further message will ever come."""
        return self._inner.is_exhausted

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        """Wait for orders or messages."""
        patience = self._log.patience()
        if patience is not None:
            seconds = patience if seconds is None else min(seconds, patience)
        found = self._inner.wait(control, seconds, data=data)
        self._log.look_at_clock()
        return found

    def receive(self) -> Sequence[bytes | memoryview] | None:
        """The parts of the next message that is here already."""
        self._at_hand = None
        parts = self._inner.receive()
        if parts is not None:
            self._log.write(parts)
        return parts

    def at_hand(self) -> Messages | None:
        """The messages that are here already, where they lie."""
        self._at_hand = self._inner.at_hand()
        return self._at_hand

    def take(self, count: int) -> None:
        """The first so many messages at hand are done with."""
        messages = self._at_hand
        if messages is not None and count:
            self._log.write_many(messages, count)
        self._at_hand = None
        self._inner.take(count)

    def close(self) -> None:
        """Leave the detector, and close the log."""
        self._inner.close()
        self._log.close()
