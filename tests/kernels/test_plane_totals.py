"""Totals kept as bit planes are those of the integers, and nothing else is written."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import bit_planes, scene
from fenced import Fenced
from framefold.kernels.bitplanes import WORKSPACE
from framefold.kernels.memory import SLACK
from framefold.kernels.plane_totals import CARRIES, TOGETHER, add_planes, add_total


def planes_kept(dtype):
    return 64 if np.dtype(dtype).itemsize == 4 else 32


class Totals:
    """A total in planes, right before a fence."""

    def __init__(self, count, dtype):
        self.kept, self.count = planes_kept(dtype), count
        size = self.kept * count // 8
        self.planes = Fenced(size).last(size)
        self.carries = Fenced(CARRIES).last(CARRIES)

    def add(self, frames):
        """Frames of one block each, eight at a time."""
        apart = frames[0].nbytes + 64
        memory = np.zeros(TOGETHER * apart, np.uint8)
        for first in range(0, len(frames), TOGETHER):
            memory[:] = 0
            for i, frame in enumerate(frames[first : first + TOGETHER]):
                memory[i * apart :][: frame.nbytes] = bit_planes(frame)
            add_planes(
                memory.ctypes.data, apart, self.count // 8, 8 * frames.itemsize,
                self.planes.ctypes.data, self.carries.ctypes.data,
            )  # fmt: skip

    def integers(self):
        bits = np.unpackbits(
            self.planes.reshape(self.kept, self.count // 8), axis=1, bitorder="little"
        )
        return (bits.astype(np.uint64) << np.arange(self.kept, dtype=np.uint64)[:, None]).sum(0)


class TestAddPlanes:
    """Frames of any content and size."""

    @settings(deadline=None, max_examples=100)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "constant", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4"]),
        eights=st.sampled_from([1, 7, 8, 9, 63, 64, 65, 72, 128, 135]),
        frames=st.integers(1, 25),
        seed=st.integers(0, 2**32),
    )
    def test_against_numpy(self, kind, dtype, eights, frames, seed):
        pixels = scene(kind, (frames, 8 * eights), dtype, seed)
        totals = Totals(8 * eights, dtype)

        totals.add(pixels)

        assert (totals.integers() == pixels.sum(axis=0, dtype=np.uint64)).all()

    def test_carries_go_all_the_way(self):
        """A total of nothing but set bits is the longest way there is."""
        for dtype in ("u1", "u2", "u4"):
            for eights in (1, 9, 64):
                totals = Totals(8 * eights, dtype)
                bits = totals.kept - 8
                totals.planes.reshape(totals.kept, eights)[:bits] = 0xFF

                totals.add(np.ones((1, 8 * eights), dtype))

                assert (totals.integers() == 1 << bits).all()

    def test_the_largest_total_there_is(self):
        """As many frames as are ever added, of the largest pixels, fit the planes."""
        pixels = np.full((16, 64), 0xFFFF, "u2")
        totals = Totals(64, "u2")
        for _ in range((1 << 16) // 16 - 1):
            totals.add(pixels)

        assert (totals.integers() == 0xFFFF * ((1 << 16) - 16)).all()


class TestAddTotal:
    """From planes back to integers."""

    @settings(deadline=None, max_examples=60)
    @given(
        dtype=st.sampled_from(["u2", "u4"]),
        eights=st.integers(1, 200),
        block_eights=st.sampled_from([1, 8, 64, 100, 512]),
        bits=st.integers(1, 60),
        seed=st.integers(0, 2**32),
    )
    def test_against_numpy(self, dtype, eights, block_eights, bits, seed):
        kept, count = planes_kept(dtype), 8 * eights
        rng = np.random.default_rng(seed)
        values = rng.integers(0, 1 << min(bits, kept - 1), count, np.uint64)
        kind = f"u{kept // 8}"
        blocks = [
            bit_planes(values[first : first + 8 * block_eights].astype(kind))
            for first in range(0, count, 8 * block_eights)
        ]
        size = count * kept // 8
        planes = Fenced(size + SLACK).last(size + SLACK)
        planes[:size] = np.concatenate(blocks)
        before = rng.integers(0, 1000, count + 3, np.uint64)
        total = before.copy()
        integers, workspace = np.empty(8 * block_eights, np.uint32), np.empty(WORKSPACE, np.uint8)

        add_total(
            planes.ctypes.data, count, 8 * block_eights, kept, integers,
            workspace.ctypes.data, total,
        )  # fmt: skip

        assert (total[:count] == before[:count] + values).all()
        assert (total[count:] == before[count:]).all()
