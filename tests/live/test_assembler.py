"""Frames find their slot by position; slots are sealed in time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.core.position_table import PositionTable
from framefold.core.scan import Scan
from framefold.live.assembler import (
    Assembler,
    FreeSlots,
    Sealed,
    Verdict,
    frames_per_block,
)
from framefold.live.ring import ALIGNMENT, COUNTERS_BYTES, RingShape

ROWS = 64


def ring(slots: int, payload: int = 64 * 100) -> RingShape:
    slot_bytes = RingShape(0, ROWS, 1).table_bytes + payload
    return RingShape(COUNTERS_BYTES + slots * slot_bytes, ROWS, slot_bytes)


TABLE = PositionTable.of(np.random.default_rng(1).integers(-1, 24, 31), (24,))
"""Some positions are visited twice, some never."""


def make(
    positions: int, stretch: int, slots: int, payload: int = 64 * 100, *, by_arrival=False, **scan
):
    shape = ring(slots, payload)
    free = FreeSlots(shape.slots)
    memory = np.zeros(shape.size, np.uint8)
    rule = Scan((positions,), **scan)
    return Assembler(rule, stretch, shape, free, memory, by_arrival=by_arrival), free


def content(frame: int, nbytes: int) -> bytes:
    return (frame.to_bytes(2) * nbytes)[:nbytes]


def put(assembler: Assembler, frame: int, nbytes: int = 50, now: float = 0.0) -> int:
    return assembler.place(frame, memoryview(content(frame, nbytes)), now)


def rows(assembler: Assembler, sealed: Sealed) -> list[list[int]]:
    """Positions, offsets and lengths of a sealed slot."""
    return assembler._tables[sealed.slot, :, : sealed.count].tolist()


def positions(assembler: Assembler) -> list[list[int]]:
    """Those in each sealed slot."""
    return [rows(assembler, sealed)[0] for sealed in assembler.sealed]


class TestAssembler:
    """An assembler collects stretches of the scan in slots."""

    def test_a_complete_stretch_is_sealed(self):
        assembler, _ = make(8, 4, 3)
        for frame in (2, 0, 1):
            put(assembler, frame)
        assert not assembler.sealed
        put(assembler, 3)

        assert positions(assembler) == [[2, 0, 1, 3]]

    def test_the_last_stretch_may_be_shorter(self):
        assembler, _ = make(5, 4, 3)
        put(assembler, 4)

        assert positions(assembler) == [[4]]

    def test_payloads_lie_apart_at_aligned_places(self):
        assembler, _ = make(4, 4, 1)
        for frame in range(4):
            put(assembler, frame, 100)
        _, places, _ = rows(assembler, *assembler.sealed)

        assert all(place % ALIGNMENT == 0 for place in places)
        assert all(b - a >= 100 for a, b in pairwise(places))

    def test_a_position_counts_once(self):
        assembler, _ = make(8, 4, 2)
        put(assembler, 1)

        assert put(assembler, 1) == Verdict.DUPLICATE
        assert assembler.received == 1

    def test_a_frame_outside_the_scan_has_no_place(self):
        assembler, _ = make(8, 4, 2)

        assert put(assembler, 8) == Verdict.NOWHERE

    def test_a_frame_that_fits_no_slot_is_told_so(self):
        assembler, _ = make(8, 4, 2, payload=6400)

        assert put(assembler, 0, 6401) == Verdict.TOO_LARGE
        assert put(assembler, 0, 6400) >= 0

    def test_a_slot_without_room_is_sealed_and_another_goes_on(self):
        assembler, _ = make(8, 8, 2, payload=256)
        put(assembler, 0, 200)
        put(assembler, 1, 200)

        assert positions(assembler) == [[0]]

    def test_a_full_ring_seals_the_oldest_instead_of_waiting_for_completeness(self):
        """Third trap: with every slot half filled, nothing would ever become complete."""
        assembler, free = make(16, 4, 2)
        put(assembler, 0)
        put(assembler, 4)
        assert put(assembler, 8) == Verdict.FULL
        (oldest,) = assembler.sealed
        assert positions(assembler) == [[0]]
        assembler.sealed.clear()
        free.give_back(oldest.slot)

        assert put(assembler, 8) >= 0
        put(assembler, 5)
        put(assembler, 6)
        put(assembler, 7)
        assert positions(assembler) == [[4, 5, 6, 7]]

    def test_a_stretch_may_come_as_several_blocks(self):
        assembler, free = make(8, 4, 1)
        put(assembler, 0)
        assert put(assembler, 4) == Verdict.FULL
        free.give_back(assembler.sealed.pop().slot)
        put(assembler, 4)
        assert put(assembler, 1) == Verdict.FULL
        free.give_back(assembler.sealed.pop().slot)

        assert put(assembler, 1) >= 0

    def test_time_seals(self):
        assembler, _ = make(8, 4, 2)
        put(assembler, 0, now=1.0)
        put(assembler, 4, now=2.0)
        assembler.seal_overdue(1.5)

        assert positions(assembler) == [[0]]
        assert assembler.oldest() == 2.0

    def test_time_seals_what_holds_enough(self):
        assembler, _ = make(8, 4, 2)
        put(assembler, 0, now=1.0)
        put(assembler, 4, now=1.5)
        put(assembler, 5, now=2.0)
        assert assembler.oldest(2) == 1.5
        assembler.seal_overdue(1.5, 2)

        assert positions(assembler) == [[4, 5]]
        assert assembler.oldest(2) is None
        assert assembler.oldest() == 1.0

    def test_slots_that_are_out(self):
        assembler, free = make(8, 4, 3)
        put(assembler, 0)
        put(assembler, 4)
        assert assembler.out == 0
        assembler.seal_all()
        assert assembler.out == 2
        free.give_back(assembler.sealed.pop().slot)

        assert assembler.out == 1

    def test_of_two_visits_the_first_counts_whichever_comes_first(self):
        table = PositionTable.of(np.array([2, 0, 2, 1]), (3,))
        assembler, _ = make(3, 3, 2, table=table)

        assert put(assembler, 2) == Verdict.DUPLICATE
        assert [put(assembler, frame) for frame in (0, 3, 1)] == [0, 0, 0]
        assert positions(assembler) == [[2, 1, 0]]

    def test_slots_that_collect_frames_as_they_come(self):
        table = PositionTable.of(np.array([9, 0, 5, 3, 7, 1]), (10,))
        assembler, _ = make(10, 2, 4, by_arrival=True, table=table)
        for frame in range(5):
            put(assembler, frame)
        assembler.seal_all()

        assert positions(assembler) == [[9, 0], [5, 3], [7]]

    @settings(deadline=None)
    @given(
        st.permutations(range(24)),
        st.integers(1, 10),
        st.integers(1, 5),
        st.integers(1, 300),
    )
    def test_every_frame_comes_once_whatever_the_order(self, order, stretch, slots, nbytes):
        assembler, free = make(24, stretch, slots, payload=640)
        seen = []

        def collect():
            for sealed in assembler.sealed:
                places, offsets, lengths = rows(assembler, sealed)
                assert offsets[-1] + lengths[-1] <= ring(slots, 640).slot_bytes
                seen.extend(places)
                free.give_back(sealed.slot)
            assembler.sealed.clear()

        for frame in order:
            while put(assembler, frame, nbytes) == Verdict.FULL:
                collect()
            collect()
        assembler.seal_all()
        collect()

        assert sorted(seen) == list(range(24))
        assert free.all_back


class Wire:
    """Frames one behind the other, as they lie where they were received."""

    def __init__(self, frames: list[tuple[int, int]]) -> None:
        self.source = np.frombuffer(b"".join(content(*frame) for frame in frames), np.uint8)
        self.frames = np.array([frame for frame, _ in frames], np.int64)
        self.lengths = np.array([nbytes for _, nbytes in frames], np.int64)
        self.offsets = np.cumsum([0, *self.lengths])[:-1]


def deliver(assembler: Assembler, free: FreeSlots, frames: list[tuple[int, int]], pieces):
    """Place frames, in pieces at once if there are any; all that can be told of it."""
    told, wire, start = [], Wire(frames), 0

    def collect():
        for sealed in assembler.sealed:
            where, offsets, lengths = rows(assembler, sealed)
            memory = assembler._ring[sealed.slot]
            held = [memory[a : a + n].tobytes() for a, n in zip(offsets, lengths, strict=True)]
            told.append((sealed.slot, where, offsets, held))
            free.give_back(sealed.slot)
        assembler.sealed.clear()

    for piece in [*pieces, len(frames)]:
        end = min(start + piece, len(frames))
        while start < end:
            many = [w[start:end] for w in (wire.frames, wire.offsets, wire.lengths)]
            placed, nbytes = assembler.place_many(wire.source, *many) if pieces else (0, 0)
            assert nbytes == many[2][:placed].sum()
            start += placed
            collect()
            if start < end:
                verdict = put(assembler, *frames[start], now=float(start))
                collect()
                if verdict != Verdict.FULL:
                    if verdict:
                        told.append((start, verdict))
                    start += 1
    assembler.seal_all()
    collect()
    return told, assembler.received, assembler.is_complete, assembler.reached_end


class TestManyAtOnce:
    """However many are placed at once, everything is as one by one."""

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 700)), max_size=60),
        st.integers(1, 10),
        st.integers(1, 4),
        st.lists(st.integers(1, 20), min_size=1, max_size=20),
        st.sampled_from([
            {}, {"sync_offset": 3}, {"sync_offset": -2}, {"order": "snake"}, {"flyback": 1},
            {"table": TABLE}, {"table": TABLE, "by_arrival": True},
        ]),
    )  # fmt: skip
    def test_as_one_by_one(self, frames, stretch, slots, pieces, scan):
        """Any order, losses, repetitions, frames beyond the scan, and too large ones."""
        one, free_one = make(24, stretch, slots, payload=640, **scan)
        many, free_many = make(24, stretch, slots, payload=640, **scan)

        assert deliver(many, free_many, frames, pieces) == deliver(one, free_one, frames, [])

    def test_a_full_stretch_is_the_end_of_it(self):
        assembler, _ = make(8, 4, 2)
        put(assembler, 0)
        wire = Wire([(n, 50) for n in range(1, 6)])

        placed, nbytes = assembler.place_many(
            wire.source, wire.frames, wire.offsets, wire.lengths, 3 << 56
        )
        assert (placed, nbytes) == (3, 150)
        lengths = rows(assembler, *assembler.sealed)[2]
        assert lengths == [50, *[50 | 3 << 56] * 3]


class TestFreeSlots:
    """Slots are free only once they came back."""

    def test_free_slots_outlive_an_acquisition(self):
        """Second trap: a new acquisition must not take slots the last one's workers still read."""
        shape = ring(2)
        free = FreeSlots(shape.slots)
        memory = np.zeros(shape.size, np.uint8)
        first = Assembler(Scan((8,)), 4, shape, free, memory)
        put(first, 0)
        put(first, 4)
        first.seal_all()
        second = Assembler(Scan((8,)), 4, shape, free, memory)

        assert put(second, 0) == Verdict.FULL
        free.give_back(first.sealed[0].slot)
        assert put(second, 0) >= 0

    def test_a_slot_cannot_come_back_twice(self):
        free = FreeSlots(2)
        slot = free.take()
        free.give_back(slot)

        with pytest.raises(ValueError, match="not out"):
            free.give_back(slot)


class TestFramesPerBlock:
    """Auto is the smaller of what fits when it is well compressed, and a share of the scan."""

    def auto(self, **changed):
        facts = {"wanted": None, "block_bytes": 8 << 20, "frames": 65536} | changed
        return frames_per_block(131072, **facts)

    def test_as_many_as_fit_when_compressed(self):
        assert self.auto() == 512

    def test_a_small_scan_is_shared_out(self):
        assert self.auto(frames=100) == 13

    def test_never_none(self):
        assert self.auto(block_bytes=1) == 1

    def test_as_configured(self):
        assert self.auto(wanted=7) == 7
