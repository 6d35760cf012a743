"""Frames are copied where they belong, and not a byte beside."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.placing import place

SLOTS, ROWS, HEAD, BYTES, STRETCH = 3, 8, 192, 1024, 6


def plain(source, positions, offsets, lengths, mark, seen, slots, state, ring, tables):
    """One frame after another, in numpy."""
    total, slot = 0, -1
    for i, (position, start, size) in enumerate(zip(positions, offsets, lengths, strict=True)):
        other = slots[position // STRETCH] - 1
        if position < 0 or seen[position] or other < 0 or state[other, 1] + size > BYTES:
            return i, total, slot
        slot, used, row = int(other), state[other, 1], state[other, 0]
        ring[slot, used : used + size] = source[start : start + size]
        tables[slot, :, row] = position, used, size | mark
        seen[position] = 1
        state[slot, :2] = row + 1, (used + size + 63) // 64 * 64
        total += size
        if row + 1 == state[slot, 2]:
            return i + 1, total, slot
    return len(positions), total, slot


class TestPlace:
    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(-1, 17), st.integers(0, 300)), max_size=30),
        st.permutations([0, 1, 2, 3]),
        st.integers(0, 7),
    )
    def test_like_numpy(self, frames, order, mark):
        positions, lengths = np.array(frames, np.int64).reshape(-1, 2).T.copy()
        offsets = np.random.default_rng(0).integers(0, 700, len(frames))
        source = np.arange(1000).astype(np.uint8)
        found = []
        for function in (place, plain):
            seen = np.zeros(3 * STRETCH, np.uint8)
            slots = np.array(order[:3], np.int32)  # of one stretch there is none
            state = np.array([[0, HEAD, STRETCH]] * SLOTS)
            memory = np.full((SLOTS + 2, BYTES), 0xA5, np.uint8)  # guards before and behind
            ring = memory[1:-1]
            tables = ring[:, :HEAD].view(np.int64).reshape(SLOTS, 3, ROWS)
            facts = (source, positions, offsets, lengths, mark << 56, seen)
            if function is place:
                told = place(*facts, STRETCH, slots, state, ring, tables, 64)
            else:
                told = plain(*facts, slots, state, ring, tables)
            found.append((*map(int, told), seen.tobytes(), state.tobytes(), memory.tobytes()))

        assert found[0] == found[1]
