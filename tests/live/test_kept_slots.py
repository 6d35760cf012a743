"""Slots that stay a while after they were processed, and go when they must."""

from __future__ import annotations

import threading

from framefold.live.block import SlotBlock
from framefold.live.kept_slots import KeptSlots

SLOT_BYTES = 100
SLOTS = 6  # of which half may be kept


def block(ident: int, slot: int | None = None, used: int = SLOT_BYTES) -> SlotBlock:
    number = ident if slot is None else slot
    return SlotBlock(ident, "", 0, number, 0, SLOT_BYTES, 1, 1, (), used=used)


def processed(kept: KeptSlots, idents: range, series: int = 1) -> list[int]:
    freed = []
    for ident in idents:
        kept.hand_out(series, block(ident))
        freed += kept.take_back(series, block(ident), SLOTS)
    return freed


def seen(kept: KeptSlots, series: int = 1) -> list[int]:
    found = kept.look(series)
    assert kept.leave(series, found) == []
    return [one.ident for one in found]


class TestKeptSlots:
    """The newest stay, within bounds."""

    def test_the_oldest_goes_first(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        assert processed(kept, range(5)) == [0, 1]
        assert seen(kept) == [4, 3, 2]
        assert seen(kept, series=2) == []

    def test_an_old_block_that_comes_back_late(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        kept.hand_out(1, block(0))
        assert processed(kept, range(1, 4)) == []
        assert kept.take_back(1, block(0), SLOTS) == [0]
        assert seen(kept) == [3, 2, 1]

    def test_bound_in_bytes(self):
        kept = KeptSlots(2 * SLOT_BYTES + 1)
        assert processed(kept, range(5)) == [0, 1, 2]

    def test_what_frames_take_counts(self):
        kept = KeptSlots(2 * SLOT_BYTES)
        for ident in range(4):
            assert kept.take_back(1, block(ident, used=SLOT_BYTES // 2), 100) == []
        assert kept.take_back(1, block(4), 100) == [0, 1]

    def test_nothing_is_kept(self):
        kept = KeptSlots(0)
        assert processed(kept, range(3)) == [0, 1, 2]
        assert seen(kept) == []

    def test_tiny_ring(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        kept.hand_out(1, block(0))
        assert kept.take_back(1, block(0), 1) == [0]

    def test_with_processing(self):
        kept = KeptSlots(0)
        kept.hand_out(1, block(7))
        assert seen(kept) == [7]

    def test_next_series_takes_over(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        processed(kept, range(3))
        kept.begin()
        kept.hand_out(2, block(0, slot=9))
        assert kept.take_back(2, block(0, slot=9), SLOTS) == [0]
        assert (seen(kept), seen(kept, 2)) == ([2, 1], [0])


class TestWhileSomebodyLooks:
    """A slot that is looked into is not filled again."""

    def test_it_goes_afterwards(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        processed(kept, range(3))
        first, second = kept.look(1), kept.look(1)
        assert processed(kept, range(3, 6)) == []
        assert kept.leave(1, first) == []
        assert sorted(kept.leave(1, second)) == [0, 1, 2]
        assert seen(kept) == [5, 4, 3]

    def test_close_waits_for_it(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        processed(kept, range(3))
        found = kept.look(1)
        closing = threading.Thread(target=kept.close)
        closing.start()
        while kept.look(1):  # until it has begun to close
            kept.leave(1, found)
        assert closing.is_alive()
        kept.leave(1, found)
        closing.join()
        assert kept.look(1) == []
        assert kept.take_back(1, block(9), SLOTS) == [0, 1, 2, 9]


class TestRecall:
    """The receiver cuts the ring anew."""

    def test_all_of_them(self):
        kept = KeptSlots(10 * SLOT_BYTES)
        processed(kept, range(3))
        kept.hand_out(1, block(3))
        assert kept.recall() == [0, 1, 2]
        assert kept.take_back(1, block(3), SLOTS) == [3]
        kept.begin()
        assert processed(kept, range(4, 6)) == []
