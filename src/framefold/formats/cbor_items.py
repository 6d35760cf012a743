"""Where the items of a CBOR sequence lie in a file; nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_MAX_DEPTH = 32
_HEADS = 100_000
"""Heads of one item that are looked at; a start message has some hundreds."""


def item_end(content: NDArray[np.uint8], start: int) -> int | None:
    """Where an item ends.

    Parameters
    ----------
    content : ndarray of uint8, shape (bytes,)
        The file.
    start : int
        Where the item begins [bytes].

    Returns
    -------
    int or None
        The byte behind it; None if there is no whole item of definite lengths.

    Notes
    -----
    RFC 8949, section 3. Indefinite lengths do not occur in detectors' messages.
    """
    place, wanted, heads = start, [1], 0
    while wanted:
        if not wanted[-1]:
            wanted.pop()
            continue
        wanted[-1] -= 1
        heads += 1
        found = head(content, place)
        if found is None or heads > _HEADS or len(wanted) > _MAX_DEPTH:
            return None
        kind, value, place = found
        if kind in (2, 3):  # strings: their bytes follow
            place += value
            if place > len(content):
                return None
        elif kind in (4, 5, 6):  # arrays, maps, tags: items follow
            wanted.append(value * 2 if kind == 5 else value if kind == 4 else 1)
    return place


def head(content: NDArray[np.uint8], at: int) -> tuple[int, int, int] | None:
    """Major type, argument, and the byte behind the head; None if there is none."""
    if at >= len(content):
        return None
    first = int(content[at])
    kind, short = first >> 5, first & 0x1F
    if short < 24:
        return kind, short, at + 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(short)
    if size is None or at + 1 + size > len(content):
        return None
    value = int.from_bytes(content[at + 1 : at + 1 + size].tobytes(), "big")
    return kind, value, at + 1 + size


def items(content: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Each whole item of a sequence, from byte to byte; ends where something else begins."""
    start = 0
    while start < len(content):
        end = item_end(content, start)
        if end is None:
            return
        yield start, end
        start = end


def byte_strings(content: NDArray[np.uint8], start: int) -> list[tuple[int, int]] | None:
    """The byte strings of an array of nothing but byte strings; None if it is something else.

    Parameters
    ----------
    content : ndarray of uint8, shape (bytes,)
        The file.
    start : int
        Where the array begins [bytes].
    """
    found = head(content, start)
    if found is None or found[0] != 4 or not 0 < found[1] < 64:
        return None
    _, count, place = found
    strings = []
    for _ in range(count):
        one = head(content, place)
        if one is None or one[0] != 2 or one[2] + one[1] > len(content):
            return None
        strings.append((one[2], one[2] + one[1]))
        place = one[2] + one[1]
    return strings
