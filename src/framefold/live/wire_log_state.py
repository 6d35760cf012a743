"""WireLogState: how the log of a detector's messages goes, for status pages and tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass

WAITING = "waiting"
LOGGING = "logging"
STOPPED = "stopped"
OFF = "off"
STATES = (WAITING, LOGGING, STOPPED, OFF)


@dataclass(frozen=True, slots=True)
class WireLogState:
    """The log that is being written, at some moment.

    Parameters
    ----------
    state : str
        ``waiting`` for the first message, ``logging``, ``off`` where it was switched off, or
        ``stopped`` by a failure, until it is switched off and on again.
    reason : str
        Why it stopped.
    file : str
        The log at hand, or the last one; empty where there is none.
    messages : int
        Messages in it [messages].
    nbytes : int
        Its length [bytes].
    """

    state: str = WAITING
    reason: str = ""
    file: str = ""
    messages: int = 0
    nbytes: int = 0

    def as_dict(self) -> dict[str, object]:
        """The facts as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WireLogNews:
    """What the receiver tells when a log is begun, or logging stops; the rest it counts.

    Parameters
    ----------
    state, reason, file
        As in `WireLogState`.
    messages_before, bytes_before : int
        What was counted before this file began [messages], [bytes].
    """

    state: str = WAITING
    reason: str = ""
    file: str = ""
    messages_before: int = 0
    bytes_before: int = 0

    def at(self, messages: int, nbytes: int) -> WireLogState:
        """The state with so many messages and bytes counted."""
        if not self.file:
            return WireLogState(self.state, self.reason)
        return WireLogState(
            self.state,
            self.reason,
            self.file,
            messages - self.messages_before,
            nbytes - self.bytes_before,
        )
