"""Slots lie beside each other, and their tables in front of their payloads."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framefold.live.ring import ALIGNMENT, COUNTERS_BYTES, RingShape, aligned, table


class TestRingShape:
    """A ring is cut without gaps in the wrong places."""

    @given(st.integers(1 << 14, 1 << 22), st.integers(1, 300), st.integers(0, 1 << 13))
    def test_slots_do_not_overlap_and_end_in_the_ring(self, size, rows, payload):
        slot_bytes = aligned(aligned(24 * rows) + payload)
        shape = RingShape(size, rows, slot_bytes)

        assert shape.start(0) == COUNTERS_BYTES
        assert shape.start(shape.slots) <= size
        assert shape.start(shape.slots + 1) > size
        assert shape.payload_bytes >= payload
        assert all(shape.start(slot) % ALIGNMENT == 0 for slot in range(min(4, shape.slots)))

    def test_a_table_is_a_view(self):
        slot = np.zeros(1024, dtype=np.uint8)
        table(slot, 5)[2, 4] = -1

        assert slot[: 5 * 24].view(np.int64)[14] == -1
        assert not slot[5 * 24 :].any()
