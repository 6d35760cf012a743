"""Where the messages lie in bytes that came off a Merlin's data connection.

Each message has a prefix: ``MPX,``, ten decimal digits, a comma. The number counts that comma and
what follows it. The bytes come from a network: lengths are held against a limit before they are
believed; and where no message begins, or one is cut off by the next, what lies between becomes a
message of its own, so that whoever reads messages hears of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import inlined, kernel

PREFIX_BYTES = 15
_MARK_BYTES = 19

_WAIT, _NONE = -1, -2
_ZERO, _NINE, _COMMA = b"09,"
_MPX = np.frombuffer(b"MPX,", np.uint8)
_FRAME = np.frombuffer(b"MQ1,", np.uint8)
_HEAD = np.frombuffer(b"HDR,", np.uint8)


@inlined
def _begins(memory: NDArray[np.uint8], at: int, end: int, text: NDArray[np.uint8]) -> bool:
    """Whether a piece equals a text, as far as it has come."""
    for i in range(min(len(text), end - at)):  # noqa: SIM110 - numba has no generator expressions
        if memory[at + i] != text[i]:
            return False
    return True


@inlined
def _length(memory: NDArray[np.uint8], at: int, end: int) -> int:
    """How long the message is that a prefix announces; else ``_WAIT`` or ``_NONE``."""
    if not _begins(memory, at, end, _MPX):
        return _NONE
    number = 0
    for i in range(at + 4, min(at + 14, end)):
        if not _ZERO <= memory[i] <= _NINE:
            return _NONE
        number = 10 * number + memory[i] - _ZERO
    if end < at + PREFIX_BYTES:
        return _WAIT
    if memory[at + 14] != _COMMA or number == 0:
        return _NONE
    return number - 1


@inlined
def _next_mark(memory: NDArray[np.uint8], at: int, end: int) -> int:
    """Where the next frame or header seems to begin; ``end`` if it does not."""
    while at < end:
        if memory[at] == _MPX[0]:
            size = _length(memory, at, end)
            if size == _WAIT:
                return at
            behind = at + PREFIX_BYTES
            if size >= 0 and (
                _begins(memory, behind, end, _FRAME) or _begins(memory, behind, end, _HEAD)
            ):
                return at
        at += 1
    return end


@kernel
def split(
    memory: NDArray[np.uint8],
    start: int,
    end: int,
    _handled: int,
    limit: int,
    first: NDArray[np.int64],
    parts: NDArray[np.int64],
    _commands: NDArray[np.int64],
) -> tuple[int, int, int, int, int]:
    """Find the complete messages.

    Parameters and results are those of `framefold.kernels.zmtp.split`; each message has one part,
    what is behind its prefix. There are no commands and no faults: what cannot be read is a
    message, too.
    """
    messages = 0
    first[0] = 0
    place = start
    needed = 0
    while messages + 1 < len(first) and messages < len(parts):
        if place == end:
            needed = end + PREFIX_BYTES
            break
        size = _length(memory, place, end)
        if size == _WAIT:
            needed = place + PREFIX_BYTES
            break
        body = place
        if 0 <= size <= limit:
            body = place + PREFIX_BYTES
            behind = body + size
            if behind > end:
                needed = behind
                break
            if not _begins(memory, behind, end, _MPX):
                # too short, or the next one lies within: then what was sent of this is before it
                mark = _next_mark(memory, body, behind)
                if mark + _MARK_BYTES <= behind:
                    behind = mark
        else:
            behind = _next_mark(memory, place + 1, end)
        parts[messages, 0] = body
        parts[messages, 1] = behind - body
        messages += 1
        first[messages] = messages
        place = behind
    return messages, place, needed, 0, 0


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    table = np.zeros((2, 2), np.int64)
    split(np.zeros(2, np.uint8), 0, 2, 0, 2, np.zeros(2, np.int64), table, table)
