"""Images among messages that are one CBOR map each, known by the bytes that they share.

What changes from image to image are a few whole numbers and the byte strings with the pixels.
So a message is held against a list of steps: bytes that must be the same, a number that may be
any, a byte string that is passed over. What takes all steps and ends where they end has the
structure of the message that the steps were made from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import inlined, kernel
from framefold.kernels.crc32c import crc32c

SAME, NUMBER, FRAME, CHECK, BYTES, IMAGE = range(6)
"""Steps: bytes that must be the same (with start and end in ``same``), a whole number, that of the
frame, the CRC-32C of a byte string that follows, a byte string, that with the pixels. Byte strings
are of 24 bytes or more. With ``CHECK`` and with the byte string that it is for stands which of
`MOST_CHECKS` it is; with byte strings that have none, -1."""

MOST_CHECKS = 8

_UNSIGNED, _STRING = 0x00, 0x40
_ONE, _TWO, _FOUR, _EIGHT = 24, 25, 26, 27  # bytes that follow the initial byte


@inlined
def _argument(memory: NDArray[np.uint8], at: int, end: int, kind: int) -> tuple[int, int]:
    """The number in the head of an item, and the place behind; -1 if there is no such head."""
    if at >= end:
        return -1, at
    low = memory[at] - kind
    if low < 0 or low > _EIGHT:
        return -1, at
    if low < _ONE:
        return low, at + 1
    size = 1 << (low - _ONE)
    if at + 1 + size > end:
        return -1, at
    number = 0
    for i in range(at + 1, at + 1 + size):
        number = number << 8 | memory[i]
    # from 2**63 on it comes out negative, which is no number either
    return number, at + 1 + size


@kernel
def find_images(
    memory: NDArray[np.uint8],
    first: NDArray[np.int64],
    parts: NDArray[np.int64],
    steps: NDArray[np.int64],
    same: NDArray[np.uint8],
    smallest: int,
    largest: int,
    most: int,
    images: NDArray[np.int64],
) -> int:
    """Count the messages at the front that are images, and tell where their pixels are.

    Parameters
    ----------
    memory : ndarray of uint8
        What the messages lie in.
    first : ndarray of int64, shape (messages + 1,)
        The row in ``parts`` where each message begins, and where the last one ends.
    parts : ndarray of int64, shape (n, 2)
        Offset and length of each part [bytes].
    steps : ndarray of int64, shape (n, 3)
        ``SAME``, start, end; ``CHECK``, ``BYTES`` or ``IMAGE``, which check, 0; or another step.
    same : ndarray of uint8
        Bytes that steps speak of.
    smallest, largest : int
        How long the pixels may be [bytes].
    most : int
        The highest frame number that is believed.
    images : ndarray of int64, shape (3, messages)
        Gets frame number, offset and length [bytes] of each.

    Returns
    -------
    int
        How many there are before the first that does not take all steps.
    """
    checks = np.zeros(MOST_CHECKS, np.int64)
    for i in range(len(first) - 1):
        row = first[i]
        if first[i + 1] - row != 1:
            return i
        at = parts[row, 0]
        end = at + parts[row, 1]
        for step in range(len(steps)):
            what = steps[step, 0]
            if what == SAME:
                start, behind = steps[step, 1], steps[step, 2]
                if end - at < behind - start:
                    return i
                for j in range(start, behind):
                    if memory[at + j - start] != same[j]:
                        return i
                at += behind - start
            elif what <= CHECK:
                number, at = _argument(memory, at, end, _UNSIGNED)
                if number < 0:
                    return i
                if what == FRAME:
                    if number > most:
                        return i
                    images[0, i] = number
                elif what == CHECK:
                    checks[steps[step, 1]] = number
            else:
                head = at
                size, at = _argument(memory, at, end, _STRING)
                # a length in the initial byte is not what the steps were made from
                if size < 0 or at == head + 1 or size > end - at:
                    return i
                if steps[step, 1] >= 0 and crc32c(memory, at, size) != checks[steps[step, 1]]:
                    return i
                if what == IMAGE:
                    if size < smallest or size > largest:
                        return i
                    images[1, i] = at
                    images[2, i] = size
                at += size
        if at != end:
            return i
    return len(first) - 1


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    # read-only, as messages are: kernels for memory to be written are others to numba
    nothing = np.frombuffer(b"x", np.uint8)
    first, table = np.zeros(1, np.int64), np.zeros((3, 2), np.int64)
    find_images(nothing, first, table, np.zeros((1, 3), np.int64), nothing, 0, 0, 0, table)
