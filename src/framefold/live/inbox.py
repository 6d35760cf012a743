"""Inbox: bytes of a connection on their way to becoming messages. No socket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ProtocolError
from framefold.kernels import zmtp
from framefold.protocols.batch import Messages

STAGING_BYTES = 1 << 20
"""Bytes taken off the connection at a time: they stay in the cache until they are in the ring."""

LONGEST_MESSAGE = 1 << 30
"""A longer message than this is nonsense [bytes]. Memory is not made for what is announced, only
for what came."""

_MOST_MESSAGES = 8192
_MOST_COMMANDS = 64
_SPARE = 4 << 10  # room for what follows a big part: an image's small last part, the next header
_FAULTS = {
    zmtp.BAD_FLAGS: "flags that ZMTP 3 does not know",
    zmtp.TOO_LONG: f"a message of more than {LONGEST_MESSAGE} bytes",
    zmtp.TOO_MANY_PARTS: f"a message of more than {zmtp.MOST_PARTS} parts",
    zmtp.TOO_MANY_COMMANDS: f"more than {_MOST_COMMANDS} commands at a time",
}


Split = Callable[..., tuple[int, int, int, int, int]]
"""Finds messages in bytes: `framefold.kernels.zmtp.split`, or one with the same parameters."""


class Inbox:
    """Takes bytes in any pieces, gives complete messages.

    Parameters
    ----------
    size : int
        Usual size of the memory [bytes]; it grows for longer messages, and shrinks again.
    limit : int
        Longest message that is taken [bytes].
    split : callable
        Finds the messages; ZMTP's by default.
    """

    def __init__(
        self,
        size: int = STAGING_BYTES,
        limit: int = LONGEST_MESSAGE,
        split: Split = zmtp.split,
    ) -> None:
        self._find = split
        self._usual: NDArray[np.uint8] = np.empty(size, np.uint8)
        self._limit = limit
        self._first = np.zeros(_MOST_MESSAGES + 1, np.int64)
        self._parts = np.zeros((_MOST_MESSAGES + zmtp.MOST_PARTS, 2), np.int64)
        self._commands = np.zeros((_MOST_COMMANDS, 2), np.int64)
        self.clear()

    def clear(self) -> None:
        """Forget everything: the connection is gone, and with it the rest of a message."""
        self._memory = self._usual
        self._start = self._end = 0  # of what is in the memory and was not split into messages
        self._high = 0  # how full the memory was since it was empty
        self._looked = self._needed = 0  # how far `split` has seen, how far it has to see
        self._taken = self._count = 0  # of the messages that were split off
        self._fault = zmtp.FINE
        self.commands: list[bytes] = []
        """Bodies of commands that came; whoever answers them takes them out."""

    def room(self) -> memoryview:
        """Where the next bytes go. All messages that were given are invalid from now on."""
        if self._start == self._end:
            if self._high <= len(self._usual):
                self._memory = self._usual  # the message that it grew for is long gone
            self._high = 0
            self._move(self._memory)
        elif self._start or self._end == len(self._memory):
            grown = self._memory
            if self._end - self._start == len(grown):
                grown = np.empty(2 * len(grown), np.uint8)
            self._move(grown)
        usual = len(self._usual)
        # a message that takes much of the memory is waited for alone: then it is not moved
        end = self._needed + _SPARE if self._needed > usual // 4 else usual
        return self._memory.data[self._end : min(end, len(self._memory))]

    def _move(self, target: NDArray[np.uint8]) -> None:
        """Bring what is left to the front of a piece of memory."""
        start, left = self._start, self._end - self._start
        target[:left] = self._memory[start : self._end]
        self._memory = target
        self._start, self._end = 0, left
        self._looked, self._needed = self._looked - start, max(0, self._needed - start)

    def came(self, nbytes: int) -> None:
        """So many bytes were written to the room."""
        self._end += nbytes
        self._high = max(self._high, self._end)

    def messages(self) -> Messages | None:
        """The messages that are complete; None when there is none.

        Raises
        ------
        ProtocolError
            ``"zmtp-frame"`` if what comes next is not ZMTP. Messages before that are given
            first.
        """
        if self._taken == self._count:
            self._split()
        if self._taken == self._count:
            return None
        first = self._first[self._taken : self._count + 1]
        memory = self._memory.view()
        memory.flags.writeable = False  # also so that kernels need one machine code for all
        return Messages(memory, first, self._parts)

    def _split(self) -> None:
        self._taken = self._count = 0
        if self._fault:
            raise ProtocolError("zmtp-frame", _FAULTS[self._fault])
        if self._end < self._needed or self._start == self._end:
            return  # nothing new can have become complete
        count, position, needed, commands, fault = self._find(
            self._memory, self._start, self._end, self._looked, self._limit,
            self._first, self._parts, self._commands,
        )  # fmt: skip
        self._count, self._start, self._needed, self._fault = count, position, needed, fault
        for start, size in self._commands[:commands].tolist():
            self.commands.append(self._memory[start : start + size].tobytes())
            self._looked = start + size
        if fault and not count:
            self._split()

    def take(self, count: int) -> None:
        """The first so many messages are done with."""
        self._taken += count
