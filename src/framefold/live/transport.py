"""Transport: where messages come from. A ZeroMQ connection, read in one of two ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from framefold.protocols.batch import Messages


class Transport(ABC):
    """Messages of one detector; what the receiver listens to."""

    connected: bool
    """Whether the detector's socket is there."""
    is_exhausted: bool = False
    """Whether no further message will ever come: a recording has an end."""

    @abstractmethod
    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        """Wait for something to do.

        Parameters
        ----------
        control : int
            Descriptor of the pipe that orders come by.
        seconds : float or None
            Longest wait; None for ever. It may come back earlier.
        data : bool
            Whether messages are of interest: without a free slot they are left to wait.

        Returns
        -------
        tuple of bool
            Whether there are orders, and whether there may be messages.
        """

    @abstractmethod
    def receive(self) -> Sequence[bytes | memoryview] | None:
        """The parts of the next message that is here already; None when there is none."""

    def at_hand(self) -> Messages | None:
        """The messages that are here already, where they lie; None when there is none, or where
        messages can only be had one by one.

        They stay valid until the next call of any method but `take`.
        """
        return None

    def take(self, count: int) -> None:  # noqa: B027 - nothing to do where there is no `at_hand`
        """The first so many messages at hand are done with."""

    @abstractmethod
    def close(self) -> None:
        """Leave the detector; what was not received is dropped."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
