"""Frames among the messages of a Merlin, known by what their headers share.

A header is text: ``MQ1,``, the number of the frame, and what is the same in all frames of an
acquisition up to the time. Behind it, at a place that the header tells, are the pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel

_ZERO, _NINE, _COMMA = b"09,"
_MARK = np.frombuffer(b"MQ1,", np.uint8)
_DIGITS = 12


@kernel
def find_images(
    memory: NDArray[np.uint8],
    first: NDArray[np.int64],
    parts: NDArray[np.int64],
    like: NDArray[np.uint8],
    header: int,
    pixels: int,
    base: int,
    behind: int,
    images: NDArray[np.int64],
) -> int:
    """Count the messages at the front that are frames, and tell where their pixels are.

    Parameters
    ----------
    memory : ndarray of uint8
        What the messages lie in.
    first : ndarray of int64, shape (messages + 1,)
        The row in ``parts`` where each message begins, and where the last one ends.
    parts : ndarray of int64, shape (n, 2)
        Offset and length of each part [bytes].
    like : ndarray of uint8
        What follows the number and is the same in all frames.
    header, pixels : int
        Lengths of the header and of what is behind it [bytes].
    base : int
        The number that the first frame has.
    behind : int
        Frames from this one on are not for us, counted from 0.
    images : ndarray of int64, shape (3, messages)
        Gets frame number, offset and length [bytes] of each.

    Returns
    -------
    int
        How many there are before the first that is none, or not certainly one.
    """
    for i in range(len(first) - 1):
        row = first[i]
        if first[i + 1] - row != 1 or parts[row, 1] != header + pixels:
            return i
        at = parts[row, 0]
        end = at + header
        if header < len(_MARK):
            return i
        for j in range(len(_MARK)):
            if memory[at + j] != _MARK[j]:
                return i
        at += len(_MARK)
        begin = at
        number = 0
        while at < end and at - begin < _DIGITS and _ZERO <= memory[at] <= _NINE:
            number = 10 * number + memory[at] - _ZERO
            at += 1
        if at == begin or end - at < len(like):
            return i
        for j in range(len(like)):
            if memory[at + j] != like[j]:
                return i
        if number < base or number - base >= behind:
            return i
        images[0, i] = number - base
        images[1, i] = end
        images[2, i] = pixels
    return len(first) - 1


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    nothing = np.frombuffer(b"M", np.uint8)
    first, table = np.zeros(1, np.int64), np.zeros((3, 2), np.int64)
    find_images(nothing, first, table, nothing, 0, 0, 0, 0, table)
