"""Arena: where a worker puts its results so that the main process reads them without a copy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.processes.segment import Attached, Segment

ALIGNMENT = 64
SMALLEST = 1 << 20
INLINE_BYTES = 4096
"""Arrays up to this size are cheaper to send through the pipe than to look up."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An array that lies in an arena.

    Parameters
    ----------
    path : str
        Segment to attach to.
    size : int
        Its length in bytes.
    offset : int
        Where the array starts in it [bytes].
    shape : tuple of int
    dtype : numpy.dtype
    """

    path: str
    size: int
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def look(self, attached: Attached) -> NDArray[Any]:
        """The array, read-only, valid until its block is released.

        Parameters
        ----------
        attached : Attached
            The segments this process already sees.
        """
        memory = attached.get(self.path, self.size)
        count = math.prod(self.shape)
        end = self.offset + count * self.dtype.itemsize
        array = memory[self.offset : end].view(self.dtype).reshape(self.shape)
        array.setflags(write=False)
        return array


class Arena:
    """Result arrays of one block in shared memory, written by one worker.

    It is used again for a later block once the main process has folded this one.
    """

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._current = 0
        self._used = 0
        self._placed: dict[int, tuple[NDArray[Any], Placed]] = {}

    def reset(self) -> None:
        """Start over: everything placed so far has been folded."""
        self._current = 0
        self._used = 0
        self._placed.clear()

    def zeros(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A zeroed array in shared memory.

        Small arrays, and dtypes that cannot lie in shared memory (objects), are ordinary ones.
        """
        kind = np.dtype(dtype)
        nbytes = math.prod(shape) * kind.itemsize
        if kind.hasobject or nbytes <= INLINE_BYTES:
            return np.zeros(shape, kind)
        return self._place(tuple(shape), kind, nbytes, zeroed=True)

    def _place(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], nbytes: int, *, zeroed: bool
    ) -> NDArray[Any]:
        while self._current < len(self._segments):
            if self._used + nbytes <= self._segments[self._current].size:
                break
            self._current += 1
            self._used = 0
        else:
            grown = max(SMALLEST, nbytes, 2 * sum(s.size for s in self._segments))
            self._segments.append(Segment.create(grown))
            self._used = 0
        segment = self._segments[self._current]
        offset = self._used
        self._used = -(-(offset + nbytes) // ALIGNMENT) * ALIGNMENT
        memory = segment.bytes[offset : offset + nbytes]
        if zeroed:
            memory.fill(0)  # bytes, not values: the zero of a text would be "0"
        array = memory.view(dtype).reshape(shape)
        placed = Placed(segment.path, segment.size, offset, shape, dtype)
        # kept with the array: an id means nothing once its object is gone
        self._placed[id(array)] = (array, placed)
        return array

    def packed(self, array: NDArray[Any]) -> NDArray[Any] | Placed:
        """What to send for an array: where it lies, or itself when it is small."""
        found = self._placed.get(id(array))
        if found is not None:
            return found[1]
        if array.dtype.hasobject or array.nbytes <= INLINE_BYTES:
            return array
        copy = self._place(array.shape, array.dtype, array.nbytes, zeroed=False)
        copy[...] = array
        return self._placed[id(copy)][1]


def unpacked(sent: NDArray[Any] | Placed, attached: Attached) -> NDArray[Any]:
    """The array that `Arena.packed` described."""
    return sent.look(attached) if isinstance(sent, Placed) else sent
