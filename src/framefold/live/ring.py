"""Ring: shared memory cut into slots, with the receiver's counters in front; no policy.

Layout of the segment::

    0              counters, int64[64]               written by: receiver
    4096           slot 0 | slot 1 | ...

and of a slot that holds at most ``rows`` frames::

    0              positions int64[rows] | offsets int64[rows] | lengths int64[rows]
    24 * rows      payloads, one behind the other at 64-byte steps

Offsets count from the start of the slot. The receiver writes a slot until it is sealed; from
then on workers read it; once it came back it is the receiver's again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
COUNTERS_BYTES = 4096
COLUMNS = 3


@dataclass(frozen=True, slots=True)
class RingShape:
    """How a segment is cut.

    Parameters
    ----------
    size : int
        Length of the segment in bytes.
    rows : int
        Frames a slot has room to describe.
    slot_bytes : int
        Length of a slot, its table included [bytes].
    """

    size: int
    rows: int
    slot_bytes: int

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return (self.size - COUNTERS_BYTES) // self.slot_bytes

    @property
    def payload_bytes(self) -> int:
        """Room for frames in one slot [bytes]."""
        return self.slot_bytes - self.table_bytes

    @property
    def table_bytes(self) -> int:
        """Where payloads start in a slot [bytes]."""
        return aligned(COLUMNS * 8 * self.rows)

    def start(self, slot: int) -> int:
        """Where a slot starts in the segment [bytes]."""
        return COUNTERS_BYTES + slot * self.slot_bytes


def aligned(nbytes: int) -> int:
    """The next multiple of the alignment."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def table(slot: NDArray[np.uint8], rows: int) -> NDArray[np.int64]:
    """The table of a slot.

    Parameters
    ----------
    slot : ndarray of uint8
        The slot's memory.
    rows : int
        Frames it has room to describe.

    Returns
    -------
    ndarray of int64, shape (3, rows)
        Positions, offsets [bytes], lengths [bytes]; a view.
    """
    return slot[: COLUMNS * 8 * rows].view(np.int64).reshape(COLUMNS, rows)


def tables(slots: NDArray[np.uint8], rows: int) -> NDArray[np.int64]:
    """The tables of all slots.

    Parameters
    ----------
    slots : ndarray of uint8, shape (slots, slot_bytes)
        Their memory.
    rows : int
        Frames each has room to describe.

    Returns
    -------
    ndarray of int64, shape (slots, 3, rows)
        As `table` has them; a view.
    """
    return slots[:, : COLUMNS * 8 * rows].view(np.int64).reshape(len(slots), COLUMNS, rows)
