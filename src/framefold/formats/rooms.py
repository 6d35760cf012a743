"""Rooms: memory for decoded chunks, lent to one block after another."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

SPARED_BYTES = 64 * 1024 * 1024
"""Most memory that a thread keeps while no block uses it."""

_spare = threading.local()  # rooms of each thread that no block uses


class Rooms:
    """What one block borrows; memory fresh from the kernel costs more than decoding into it."""

    def __init__(self) -> None:
        self._lent: list[NDArray[np.uint8]] = []

    def borrow(self, size: int) -> NDArray[np.uint8]:
        """Memory of ``size`` bytes, until `give_back`; what is in it is undefined."""
        spare = _spares()
        fitting = [room for room in spare if size <= len(room) <= 4 * size]
        if fitting:
            room = min(fitting, key=len)
            spare[:] = [other for other in spare if other is not room]
        else:
            room = np.empty(size, np.uint8)
        self._lent.append(room)
        return room[:size]

    def give_back(self) -> None:
        """Everything that was borrowed; whoever still looks at it sees what others write."""
        spare = _spares()
        spare += self._lent
        self._lent = []
        while sum(len(room) for room in spare) > SPARED_BYTES:
            spare.pop(0)


def _spares() -> list[NDArray[np.uint8]]:
    found: list[NDArray[np.uint8]] | None = getattr(_spare, "rooms", None)
    if found is None:
        found = _spare.rooms = []
    return found
