"""Where the messages lie in bytes that came off a ZeroMQ connection.

ZMTP (RFC 23 and 37 of the ZeroMQ project) cuts a connection into frames: a byte of flags, a
length of one byte or of eight (big-endian), and the body. Frames with the flag MORE and the one
behind them are the parts of a message. Commands are frames, too, and may stand between any two
others.

The bytes come from a network: everything is checked against the end of what is there before it
is read, and lengths against a limit before they are believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel

MORE, LONG, COMMAND = 1, 2, 4
FINE, BAD_FLAGS, TOO_LONG, TOO_MANY_PARTS, TOO_MANY_COMMANDS = range(5)

MOST_PARTS = 1000
"""Parts of one message; detectors send up to nine."""


@kernel
def split(
    memory: NDArray[np.uint8],
    start: int,
    end: int,
    handled: int,
    limit: int,
    first: NDArray[np.int64],
    parts: NDArray[np.int64],
    commands: NDArray[np.int64],
) -> tuple[int, int, int, int, int]:
    """Find the complete messages, and the commands among them.

    Parameters
    ----------
    memory : ndarray of uint8
        What came.
    start, end : int
        From where to where it is to be looked at; a frame begins at ``start``.
    handled : int
        Commands that begin before this place are known already.
    limit : int
        Longest message that is believed [bytes].
    first : ndarray of int64
        Gets, for each message, its first row in ``parts``, and behind the last the row after
        its parts. Limits how many messages are looked for.
    parts : ndarray of int64, shape (n, 2)
        Gets offset and length of each part [bytes].
    commands : ndarray of int64, shape (n, 2)
        Gets offset and length of each command's body [bytes].

    Returns
    -------
    messages : int
        How many are complete.
    position : int
        Where the first byte behind them is that was not used.
    needed : int
        Up to where bytes must be there before there is anything more to find.
    found : int
        How many commands.
    status : int
        ``FINE``, or why the bytes behind ``position`` are not to be used at all.
    """
    messages = found = rows = 0
    first[0] = 0
    place = position = start
    needed = 0
    status = FINE
    while messages + 1 < len(first) and rows < len(parts):
        if place + 2 > end:
            needed = place + 2
            break
        flags = memory[place]
        if flags > 7 or (flags & COMMAND and flags & MORE):
            status = BAD_FLAGS
            break
        head = 9 if flags & LONG else 2
        if place + head > end:
            needed = place + head
            break
        size = memory[place + 1] + 0
        if flags & LONG:
            for i in range(2, 9):
                size = size << 8 | memory[place + i]
        body = place + head
        # a length from 2**63 on comes out negative
        if size < 0 or size > limit or body + size - position > limit:
            status = TOO_LONG
            break
        if body + size > end:
            needed = body + size
            break
        if flags & COMMAND:
            if place >= handled:
                if found == len(commands):
                    status = TOO_MANY_COMMANDS
                    break
                commands[found, 0] = body
                commands[found, 1] = size
                found += 1
            place = body + size
            if rows == first[messages]:
                position = place
            continue
        parts[rows, 0] = body
        parts[rows, 1] = size
        rows += 1
        place = body + size
        if not flags & MORE:
            messages += 1
            first[messages] = rows
            position = place
        elif rows - first[messages] == MOST_PARTS:
            status = TOO_MANY_PARTS
            break
    return messages, position, needed, found, status


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    table = np.zeros((2, 2), np.int64)
    split(np.zeros(2, np.uint8), 0, 2, 0, 2, np.zeros(2, np.int64), table, table)
