"""Assembler: which frame goes to which slot, and when a slot is sealed. Pure book-keeping."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from framefold.core.scan import NOWHERE, Scan
from framefold.live.ring import RingShape, aligned


class Verdict(IntEnum):
    """Why a frame got no place."""

    FULL = -1
    """No slot is free: wait until one comes back, then ask again."""
    DUPLICATE = -2
    """Its position has been received."""
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


@dataclass(slots=True)
class Filling:
    """A slot that is being filled.

    Parameters
    ----------
    slot : int
    part : int
        Which stretch of the scan it collects.
    capacity : int
        Positions in that stretch.
    opened : float
        When its first frame came, by the caller's clock [s].
    used : int
        Bytes in use, the table included.
    positions, offsets, lengths : list of int
        One entry for each frame.
    """

    slot: int
    part: int
    capacity: int
    opened: float
    used: int
    positions: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


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
        What fits into a slot.
    free : FreeSlots
        Where slots come from; the caller gives them back.
    frames : int or None
        How many frames were promised; None when unknown.
    """

    def __init__(
        self,
        scan: Scan,
        frames_per_block: int,
        shape: RingShape,
        free: FreeSlots,
        frames: int | None = None,
    ) -> None:
        self._position = scan.position
        self._stretch = max(1, min(frames_per_block, shape.rows))
        self._size = scan.size
        self._shape = shape
        self._free = free
        self._open: dict[int, Filling] = {}  # by part, oldest first
        self._last: Filling | None = None  # where the last frame went
        self._seen = bytearray(scan.size)
        self._expected = scan.reachable(frames)
        self._reachable = scan.reachable
        self._highest = -1  # number of a frame that found its place
        self.received = 0
        self.sealed: list[Filling] = []
        """Slots that must go to the workers now; the caller takes them out."""
        self.slot = 0
        """Slot of the frame that was placed last."""

    def place(self, frame: int, nbytes: int, now: float) -> int:
        """Find room for a frame.

        Parameters
        ----------
        frame : int
            Its number.
        nbytes : int
            Its length as it came.
        now : float
            The time by any clock that never goes back [s].

        Returns
        -------
        int
            Where it goes in `slot` [bytes from the slot's start], or a `Verdict` (negative).
            Slots in `sealed` must be handed out before the payload is written.
        """
        position = self._position(frame)
        if position == NOWHERE:
            return Verdict.NOWHERE
        if self._seen[position]:
            return Verdict.DUPLICATE
        part = position // self._stretch
        filling = self._open.get(part)
        if filling is not None and filling.used + nbytes > self._shape.slot_bytes:
            self._seal(filling)
            filling = None
        if filling is None:
            if nbytes > self._shape.payload_bytes:
                return Verdict.TOO_LARGE
            slot = self._free.take()
            if slot is None:
                self._seal_oldest()
                return Verdict.FULL
            capacity = min(self._stretch, self._size - part * self._stretch)
            filling = Filling(slot, part, capacity, now, self._shape.table_bytes)
            self._open[part] = filling
        self._seen[position] = 1
        if frame > self._highest:
            self._highest = frame
        self.received += 1
        offset = filling.used
        filling.positions.append(position)
        filling.offsets.append(offset)
        filling.lengths.append(nbytes)
        filling.used = aligned(offset + nbytes)
        self.slot = filling.slot
        self._last = filling
        return offset

    def complete(self) -> None:
        """The payload of the frame placed last is written: seal its slot if that was all."""
        filling = self._last
        if filling is not None and len(filling.positions) == filling.capacity:
            self._seal(filling)
            self._last = None

    def filling(self, slot: int) -> Filling:
        """What is known of a slot that is being filled."""
        return next(f for f in self._open.values() if f.slot == slot)

    def seal_overdue(self, opened_before: float) -> None:
        """Seal every slot whose first frame came before a moment of the caller's clock [s]."""
        for filling in [f for f in self._open.values() if f.opened <= opened_before]:
            self._seal(filling)

    def seal_all(self) -> None:
        """Seal what there is: no more frames come."""
        for filling in list(self._open.values()):
            self._seal(filling)

    def oldest(self) -> float | None:
        """When the first frame of the oldest open slot came [s]; None when none is open."""
        first = next(iter(self._open.values()), None)
        return None if first is None else first.opened

    def _seal_oldest(self) -> None:
        first = next(iter(self._open.values()), None)
        if first is not None:
            self._seal(first)

    def _seal(self, filling: Filling) -> None:
        del self._open[filling.part]
        self.sealed.append(filling)

    @property
    def is_complete(self) -> bool:
        """Whether every position has been received that a promised frame belongs to."""
        return self.received >= self._expected

    @property
    def reached_end(self) -> bool:
        """Whether the last of the promised frames that have a place has been received."""
        return self._reachable(self._highest + 1) >= self._expected


def frames_per_block(
    frame_bytes: int,
    *,
    wanted: int | None,
    cache_bytes: int,
    frames: int,
    frame_time: float | None,
    update_seconds: float,
) -> int:
    """How many positions a slot should collect.

    Parameters
    ----------
    frame_bytes : int
        One decoded frame [bytes].
    wanted : int or None
        What the user asked for; None for "auto".
    cache_bytes : int
        Decoded frames of one block that are worth keeping together [bytes].
    frames : int
        Positions of the scan.
    frame_time : float or None
        Seconds between two frames, when the detector says so.
    update_seconds : float
        How often results should move [s].

    Returns
    -------
    int
        At least 1. "auto" is the smallest of a cache-sized count, what arrives between two
        updates, and an eighth of the scan.
    """
    if wanted is not None:
        return max(1, min(wanted, frames))
    counts = [cache_bytes // max(1, frame_bytes), -(-frames // 8), MOST_ROWS]
    if frame_time:
        counts.append(int(update_seconds / frame_time))
    return max(1, min(counts))


MOST_ROWS = 4096
"""Frames a slot ever describes: its table is read and sorted as one piece."""
