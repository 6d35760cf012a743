"""Writing at a place in a file, all of it: a disk may take less than it is given at once."""

from __future__ import annotations

import os
from collections.abc import Sequence

AT_ONCE = 1024
"""Pieces that one call writes; most systems take no more."""


def write_at(descriptor: int, pieces: Sequence[bytes | memoryview], at: int) -> int:
    """Write pieces behind one another, in as few calls as can be.

    Parameters
    ----------
    descriptor : int
        A file that is open for writing.
    pieces : sequence of bytes or memoryview
    at : int
        Where the first one goes [bytes].

    Returns
    -------
    int
        The place behind the last one [bytes].

    Raises
    ------
    OSError
        If the disk is full, or gone; some of it may be written then.
    """
    for first in range(0, len(pieces), AT_ONCE):
        left = [memoryview(piece).cast("B") for piece in pieces[first : first + AT_ONCE]]
        while left:
            done = os.pwritev(descriptor, left, at)
            at += done
            whole = 0
            while whole < len(left) and done >= len(left[whole]):
                done -= len(left[whole])
                whole += 1
            left = left[whole:]
            if left:
                left[0] = left[0][done:]
    return at
