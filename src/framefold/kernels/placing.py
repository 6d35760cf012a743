"""Frames into the slots of a ring, many in one call, as long as nothing is to be decided.

A slot collects the frames of one stretch of positions; its table tells what it holds. The kernel
goes on where `framefold.live.assembler.Assembler` is sure to say the same for each frame, and
stops in front of the first one that needs more than that: another slot, or a refusal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.memory import copy_bytes

COUNT, USED, CAPACITY = range(3)
"""Columns of a slot's state: frames in it, bytes in use, frames it waits for."""

POSITIONS, OFFSETS, LENGTHS = range(3)
"""Rows of a slot's table."""


@kernel
def place(
    source: NDArray[np.uint8],
    positions: NDArray[np.int64],
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    mark: int,
    seen: NDArray[np.uint8],
    stretch: int,
    slots: NDArray[np.int32],
    state: NDArray[np.int64],
    ring: NDArray[np.uint8],
    tables: NDArray[np.int64],
    alignment: int,
) -> tuple[int, int, int]:
    """Put frames where they belong.

    Parameters
    ----------
    source : ndarray of uint8
        What the frames lie in.
    positions : ndarray of int64, shape (n,)
        Where they belong in the scan; negative for nowhere.
    offsets, lengths : ndarray of int64, shape (n,)
        Where they lie in ``source`` [bytes].
    mark : int
        Bits that are set in the lengths of the table.
    seen : ndarray of uint8, shape (positions of the scan,)
        Not zero where a frame was received.
    stretch : int
        How many positions a slot collects.
    slots : ndarray of int32, shape (stretches,)
        The number of each stretch's open slot, and one more; 0 for none.
    state : ndarray of int64, shape (slots, 3)
        Of each slot: ``COUNT``, ``USED``, ``CAPACITY``.
    ring : ndarray of uint8, shape (slots, slot_bytes)
        The slots.
    tables : ndarray of int64, shape (slots, 3, rows)
        The tables in front of them.
    alignment : int
        Payloads begin at multiples of this [bytes].

    Returns
    -------
    placed : int
        How many frames, from the first.
    nbytes : int
        Their lengths together [bytes].
    slot : int
        The slot of the last of them; full if that is why it is the last. -1 if there is none.
    """
    total = 0
    slot = -1
    slot_bytes = ring.shape[1]
    for i in range(len(positions)):
        position, size = positions[i], lengths[i]
        if position < 0 or seen[position]:
            return i, total, slot
        other = slots[position // stretch] - 1
        if other < 0 or state[other, USED] + size > slot_bytes:
            return i, total, slot
        slot = other
        start, row = state[slot, USED], state[slot, COUNT]
        copy_bytes(
            ring.ctypes.data + slot * slot_bytes + start, source.ctypes.data + offsets[i], size
        )
        tables[slot, POSITIONS, row] = position
        tables[slot, OFFSETS, row] = start
        tables[slot, LENGTHS, row] = size | mark
        seen[position] = 1
        state[slot, COUNT] = row + 1
        state[slot, USED] = -(-(start + size) // alignment) * alignment
        total += size
        if row + 1 == state[slot, CAPACITY]:
            return i + 1, total, slot
    return len(positions), total, slot


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    # the source is read-only, as messages are: a kernel for memory to be written is another
    none, ring = np.zeros(0, np.int64), np.zeros((2, 64), np.uint8)
    tables = ring[:, :48].view(np.int64).reshape(2, 3, 2)
    place(
        np.frombuffer(b"x", np.uint8), none, none, none, 0, np.zeros(1, np.uint8), 1,
        np.zeros(1, np.int32), np.zeros((1, 3), np.int64), ring, tables, 64,
    )  # fmt: skip
