"""Images among the messages of a stream that sends JSON and pixels in parts of their own.

A JSON reader in full costs more than everything else that is done for a small frame. From image
to image little changes: the part that describes the pixels is the same but for their length, and
of the first part only a number is wanted. So the former is compared, and the latter is read by
just as much JSON as detectors use: one object of plain text and whole numbers, in any order and
with any white space. All else is left to the reader in full: nothing is guessed here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import inlined, kernel

_QUOTE, _BACKSLASH, _COLON, _COMMA, _OPEN, _CLOSE = b'"\\:,{}'
_ZERO, _NINE = b"09"
_SPACE, _TAB, _NEWLINE, _RETURN = b" \t\n\r"
_TILDE = 0x7E
_DIGITS = 16  # of the longest number that is read

_HTYPE = np.frombuffer(b"htype", np.uint8)
_SERIES = np.frombuffer(b"series", np.uint8)
_FRAME = np.frombuffer(b"frame", np.uint8)
_DETAIL = np.frombuffer(b"header_detail", np.uint8)
_IMAGE = np.frombuffer(b"dimage-1.0", np.uint8)


@inlined
def _equal(memory: NDArray[np.uint8], start: int, end: int, text: NDArray[np.uint8]) -> bool:
    if end - start != len(text):
        return False
    for i in range(len(text)):  # noqa: SIM110 - numba has no generator expressions
        if memory[start + i] != text[i]:
            return False
    return True


@inlined
def _behind_space(memory: NDArray[np.uint8], at: int, end: int) -> int:
    while at < end and (
        memory[at] == _SPACE
        or memory[at] == _NEWLINE
        or memory[at] == _RETURN
        or memory[at] == _TAB
    ):
        at += 1
    return at


@inlined
def _closing_quote(memory: NDArray[np.uint8], at: int, end: int) -> int:
    """Where a text ends that is plain: printable ASCII without escapes; else ``end``."""
    while at < end:
        letter = memory[at]
        if letter == _QUOTE:
            return at
        if letter < _SPACE or letter > _TILDE or letter == _BACKSLASH:
            return end
        at += 1
    return end


@inlined
def _digits(memory: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """A whole number and the place behind it; -1 if there is none, or it has leading zeroes."""
    begin = at
    number = 0
    while at < end and at - begin < _DIGITS and _ZERO <= memory[at] <= _NINE:
        number = 10 * number + memory[at] - _ZERO
        at += 1
    if at == begin or (memory[begin] == _ZERO and at - begin > 1):
        number = -1
    return number, at


@kernel
def image_number(memory: NDArray[np.uint8], start: int, end: int, series: int) -> int:
    """The frame number that the first part of an image message tells.

    Parameters
    ----------
    memory : ndarray of uint8
        What the part lies in.
    start, end : int
        From where to where.
    series : int
        The series it must belong to.

    Returns
    -------
    int
        -1 if it is not an image of the series, or not certainly one.
    """
    if start >= end or memory[start] != _OPEN:
        return -1
    at = start
    found = 0
    frame = -1
    while True:
        at = _behind_space(memory, at + 1, end)  # behind { or a comma
        if at >= end or memory[at] != _QUOTE:
            return -1
        key = at + 1
        at = key_end = _closing_quote(memory, key, end)
        if at == end:
            return -1
        at = _behind_space(memory, at + 1, end)
        if at >= end or memory[at] != _COLON:
            return -1
        at = _behind_space(memory, at + 1, end)
        if at >= end:
            return -1
        which = 0
        if _equal(memory, key, key_end, _HTYPE):
            which = 1
        elif _equal(memory, key, key_end, _SERIES):
            which = 2
        elif _equal(memory, key, key_end, _FRAME):
            which = 4
        elif _equal(memory, key, key_end, _DETAIL):
            return -1
        if found & which:
            return -1
        found |= which
        if memory[at] == _QUOTE:
            value = at + 1
            at = _closing_quote(memory, value, end)
            if at == end or which > 1 or (which and not _equal(memory, value, at, _IMAGE)):
                return -1
            at += 1
        else:
            number, at = _digits(memory, at, end)
            if number < 0 or which == 1 or (which == 2 and number != series):
                return -1
            if which == 4:
                frame = number
        at = _behind_space(memory, at, end)
        if at >= end:
            return -1
        if memory[at] == _CLOSE:
            break
        if memory[at] != _COMMA:
            return -1
    if found != 7 or _behind_space(memory, at + 1, end) != end:
        return -1
    return frame


@inlined
def _tells_size(
    memory: NDArray[np.uint8],
    start: int,
    end: int,
    like: NDArray[np.uint8],
    begin: int,
    behind: int,
    size: int,
) -> bool:
    """Whether a part equals one that is known, but for the digits of the size, which is right."""
    rest = len(like) - behind
    if end - start < begin + rest or not _equal(memory, start, start + begin, like[:begin]):
        return False
    if behind > begin:
        number, at = _digits(memory, start + begin, end)
        if number != size or at != end - rest:
            return False
    return _equal(memory, start + begin if behind == begin else at, end, like[behind:])


@kernel
def find_images(
    memory: NDArray[np.uint8],
    first: NDArray[np.int64],
    parts: NDArray[np.int64],
    series: int,
    like: NDArray[np.uint8],
    begin: int,
    behind: int,
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
    series : int
        The series that images must belong to.
    like : ndarray of uint8
        The second part of an image.
    begin, behind : int
        Where in ``like`` the digits of the size are; both its length where it tells none.
    smallest, largest : int
        How long the pixels may be [bytes].
    most : int
        The highest frame number that is believed.
    images : ndarray of int64, shape (3, messages)
        Gets frame number, offset and length [bytes] of each.

    Returns
    -------
    int
        How many there are before the first that is no image, or not certainly one.
    """
    for i in range(len(first) - 1):
        row = first[i]
        if first[i + 1] - row < 3:
            return i
        start = parts[row, 0]
        frame = image_number(memory, start, start + parts[row, 1], series)
        if frame < 0 or frame > most:
            return i
        size = parts[row + 2, 1]
        start = parts[row + 1, 0]
        end = start + parts[row + 1, 1]
        if size < smallest or size > largest:
            return i
        if not _tells_size(memory, start, end, like, begin, behind, size):
            return i
        images[0, i] = frame
        images[1, i] = parts[row + 2, 0]
        images[2, i] = size
    return len(first) - 1


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    # read-only, as messages are: kernels for memory to be written are others to numba
    nothing = np.frombuffer(b"{", np.uint8)
    first, table = np.zeros(1, np.int64), np.zeros((3, 2), np.int64)
    find_images(nothing, first, table, 0, nothing, 0, 0, 0, 0, 0, table)
