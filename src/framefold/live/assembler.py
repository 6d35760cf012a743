"""Assembler: which frame goes to which slot, and when a slot is sealed. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from framefold.core.scan import NOWHERE, Scan
from framefold.kernels.placing import (
    CAPACITY,
    COUNT,
    LENGTHS,
    OFFSETS,
    POSITIONS,
    USED,
    place,
)
from framefold.live.ring import ALIGNMENT, RingShape, aligned, tables


class Verdict(IntEnum):
    """Why a frame got no place."""

    FULL = -1
    """No slot is free: wait until one comes back, then ask again."""
    DUPLICATE = -2
    """Its position has been received, or waits for an earlier frame."""
    NOWHERE = -3
    """The scan has no position for it."""
    TOO_LARGE = -4
    """It does not fit into an empty slot."""


class FreeSlots:
    """Slots that nobody uses. They outlive an acquisition: a slot is free only once it came
    back, whichever acquisition it was filled for.

    Parameters
    ----------
    slots : int
        How many there are.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        # the slot that came back last goes out first: its memory is still in the cache
        self._free = list(reversed(range(slots)))

    def take(self) -> int | None:
        """A free slot, or None."""
        return self._free.pop() if self._free else None

    def give_back(self, slot: int) -> None:
        """A slot came back."""
        if not 0 <= slot < self.slots or slot in self._free:
            raise ValueError(f"slot {slot} came back though it was not out")
        self._free.append(slot)

    def __len__(self) -> int:
        return len(self._free)

    @property
    def all_back(self) -> bool:
        """Whether none is in use."""
        return len(self._free) == self.slots


@dataclass(frozen=True, slots=True)
class Sealed:
    """A slot that is ready for the workers.

    Parameters
    ----------
    slot : int
    count : int
        Frames in it; its table tells the rest.
    opened : float
        When its first frame came, by the caller's clock [s].
    used : int
        How much of it the frames and their table take [bytes].
    """

    slot: int
    count: int
    opened: float = field(default=0.0, compare=False)
    used: int = field(default=0, compare=False)


class Assembler:
    """Places the frames of one acquisition by scan position.

    Each slot collects the frames of one stretch of ``frames_per_block`` positions. A slot is
    sealed when it holds all of them, when the next frame does not fit, when its time is up,
    or when no slot is free: then the oldest goes, complete or not, since a stretch may well
    come as several blocks but a ring that waits for completeness stands still.

    Parameters
    ----------
    scan : Scan
        Which frame belongs where.
    frames_per_block : int
        Positions a slot collects.
    shape : RingShape
        How the ring is cut.
    free : FreeSlots
        Where slots come from; the caller gives them back.
    memory : ndarray of uint8
        The ring.
    frames : int or None
        How many frames were promised; None when unknown.
    by_arrival : bool
        Whether a slot collects so many frames as they come, wherever they belong, instead. For
        scans whose frames jump: each would open another slot, and blocks would hold one frame.
    """

    def __init__(
        self,
        scan: Scan,
        frames_per_block: int,
        shape: RingShape,
        free: FreeSlots,
        memory: NDArray[np.uint8],
        frames: int | None = None,
        *,
        by_arrival: bool = False,
    ) -> None:
        self._scan = scan
        self._most = max(1, min(frames_per_block, shape.rows))
        self._stretch = scan.size if by_arrival else self._most
        self._shape = shape
        self._free = free
        self._expected = scan.reachable(frames)
        self._reachable = scan.reachable
        self._highest = -1  # number of a frame that found its place
        self.received = 0
        self.late = 0
        """Frames that came after the frames around them had been handed out."""
        self.sealed: list[Sealed] = []
        """Slots that must go to the workers now; the caller takes them out."""
        self._open: dict[int, tuple[int, float]] = {}  # slot -> part, when opened; oldest first
        # What one frame after another moves is in arrays: the kernel that places many works on
        # the same ones. Looked at one by one, memoryviews of them are the faster way in.
        self._seen = np.zeros(scan.size, np.uint8)
        # zeroes, which cost nothing until they are used: a scan may be announced far too large
        self._slots = np.zeros(-(-scan.size // self._stretch), np.int32)
        self._state = np.zeros((shape.slots, 3), np.int64)
        self._handed = np.zeros(len(self._slots), np.uint8)  # stretches that went incomplete
        self._has_handed = False
        self._ring = memory[shape.start(0) : shape.start(shape.slots)].reshape(shape.slots, -1)
        self._tables = tables(self._ring, shape.rows)
        self._seen_view, self._slots_view = self._seen.data, self._slots.data
        self._state_view, self._tables_view = self._state.data, self._tables.data
        self._bytes = memory.data

    def place(self, frame: int, payload: memoryview, now: float, mark: int = 0) -> int:
        """Put one frame where it belongs.

        Parameters
        ----------
        frame : int
            Its number.
        payload : memoryview
            Its bytes as they came.
        now : float
            The time by any clock that never goes back [s].
        mark : int
            Bits to set in the length that the table tells.

        Returns
        -------
        int
            0, or a `Verdict` (negative). Look into `sealed` in either case.
        """
        position = self._scan.position(frame)
        if position == NOWHERE:
            return Verdict.NOWHERE
        if self._seen_view[position] or self._scan.is_repeat(frame, position):
            return Verdict.DUPLICATE
        nbytes = payload.nbytes
        part = position // self._stretch
        slot = self._slots_view[part] - 1
        if slot >= 0 and self._state_view[slot, USED] + nbytes > self._shape.slot_bytes:
            self._seal(slot)
            slot = -1
        if slot < 0:
            if nbytes > self._shape.payload_bytes:
                return Verdict.TOO_LARGE
            taken = self._free.take()
            if taken is None:
                self._seal_oldest()
                return Verdict.FULL
            slot = taken
            self._open_slot(slot, part, now)
        if frame < self._highest and self._handed[part]:
            self.late += 1
        self._write(slot, position, payload, mark)
        self._highest = max(self._highest, frame)
        return 0

    def place_many(
        self,
        source: NDArray[np.uint8],
        frames: NDArray[np.int64],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        mark: int = 0,
    ) -> tuple[int, int]:
        """Put frames where they belong, as long as `place` would only write them down.

        Parameters
        ----------
        source : ndarray of uint8
            What the frames lie in.
        frames : ndarray of int64
            Their numbers.
        offsets, lengths : ndarray of int64
            Where they lie in ``source`` [bytes].
        mark : int
            As in `place`.

        Returns
        -------
        placed : int
            How many were done, from the first. The next one is for `place`; or it was
            only the last that its slot waited for, which is in `sealed` now.
        nbytes : int
            Their lengths together [bytes].
        """
        positions = self._scan.own_positions_of(frames)
        placed, nbytes, slot = place(
            source, positions, offsets, lengths, mark, self._seen,
            self._stretch, self._slots, self._state, self._ring, self._tables, ALIGNMENT,
        )  # fmt: skip
        self.received += placed
        if placed:
            if self._has_handed:
                self._count_late(frames[:placed], positions[:placed])
            self._highest = max(self._highest, int(frames[:placed].max()))
            self._seal_if_full(slot)
        return placed, nbytes

    def _count_late(self, frames: NDArray[np.int64], positions: NDArray[np.int64]) -> None:
        highest = np.maximum(np.maximum.accumulate(frames), self._highest)
        handed = self._handed[positions // self._stretch] != 0
        self.late += int(np.count_nonzero(handed & (frames < highest)))

    def _open_slot(self, slot: int, part: int, now: float) -> None:
        self._open[slot] = part, now
        self._slots_view[part] = slot + 1
        capacity = min(self._most, self._scan.size - part * self._stretch)
        self._state[slot] = 0, self._shape.table_bytes, capacity

    def _write(self, slot: int, position: int, payload: memoryview, mark: int) -> None:
        state, rows = self._state_view, self._tables_view
        row, offset, nbytes = state[slot, COUNT], state[slot, USED], payload.nbytes
        start = self._shape.start(slot) + offset
        self._bytes[start : start + nbytes] = payload
        rows[slot, POSITIONS, row] = position
        rows[slot, OFFSETS, row] = offset
        rows[slot, LENGTHS, row] = nbytes | mark
        state[slot, COUNT] = row + 1
        state[slot, USED] = aligned(offset + nbytes)
        self._seen_view[position] = 1
        self.received += 1
        self._seal_if_full(slot)

    def seal_overdue(self, opened_before: float, least: int = 1) -> None:
        """Seal every slot whose first frame came before a moment of the caller's clock [s], if it
        holds so many frames.
        """
        for slot in [s for s, (_, opened) in self._open.items() if opened <= opened_before]:
            if self._state_view[slot, COUNT] >= least:
                self._seal(slot)

    def seal_all(self) -> None:
        """Seal what there is: no more frames come."""
        for slot in list(self._open):
            self._seal(slot)

    def oldest(self, least: int = 1) -> float | None:
        """When the first frame of the oldest open slot with so many frames came [s]; None when
        there is no such slot.
        """
        for slot, (_, opened) in self._open.items():
            if self._state_view[slot, COUNT] >= least:
                return opened
        return None

    @property
    def out(self) -> int:
        """Slots that are neither free nor open: they wait for workers, or are worked on."""
        return self._free.slots - len(self._free) - len(self._open)

    def _seal_oldest(self) -> None:
        first = next(iter(self._open), None)
        if first is not None:
            self._seal(first)

    def _seal_if_full(self, slot: int) -> None:
        if self._state_view[slot, COUNT] == self._state_view[slot, CAPACITY]:
            self._seal(slot)

    def _seal(self, slot: int) -> None:
        part, opened = self._open.pop(slot)
        self._slots_view[part] = 0
        if self._state_view[slot, COUNT] < self._state_view[slot, CAPACITY]:
            self._handed[part] = self._has_handed = True
        count, used = self._state_view[slot, COUNT], self._state_view[slot, USED]
        self.sealed.append(Sealed(slot, count, opened, used))

    def promise(self, frames: int) -> None:
        """A header that came late says how many frames there will be."""
        self._expected = self._scan.reachable(frames)

    def numbers(self) -> NDArray[np.int64]:
        """Numbers of the frames that were received, ascending."""
        received = np.flatnonzero(self._seen)
        numbers = self._scan.numbers(0, self._scan.size)[received]
        return np.sort(numbers[numbers != NOWHERE])

    @property
    def is_complete(self) -> bool:
        """Whether every position has been received that a promised frame belongs to."""
        return self.received >= self._expected

    @property
    def reached_end(self) -> bool:
        """Whether the last of the promised frames that have a place has been received."""
        return self._reachable(self._highest + 1) >= self._expected


def frames_per_block(frame_bytes: int, *, wanted: int | None, block_bytes: int, frames: int) -> int:
    """How many positions a slot should collect at most.

    Parameters
    ----------
    frame_bytes : int
        One decoded frame [bytes].
    wanted : int or None
        What the user asked for; None for "auto".
    block_bytes : int
        Length of a slot [bytes].
    frames : int
        Positions of the scan.

    Returns
    -------
    int
        At least 1. "auto" is the smallest of what a slot holds of frames that are well
        compressed, and an eighth of the scan; slots are sealed earlier where frames come slowly.
    """
    if wanted is not None:
        return max(1, min(wanted, frames))
    return max(1, min(COMPRESSED * block_bytes // max(1, frame_bytes), -(-frames // 8), MOST_ROWS))


MOST_ROWS = 4096
"""Frames a slot ever describes: its table is read and sorted as one piece."""

COMPRESSED = 8
"""So many times their slot's length frames may have, decoded: what each block costs besides its
frames (arrays for results, merging them) is as much as a few frames, and should not show. UDFs
that want whole partitions get so many frames at once; hence not more."""
