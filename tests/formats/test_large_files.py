"""Files larger than memory, and scans of millions of frames, cost what small ones cost."""

from __future__ import annotations

import pickle
import tracemalloc
from itertools import islice

import numpy as np
import pytest

from framefold.core.reader import BlockPlan
from framefold.formats import inspect_file, open_dataset
from framefold.formats.opened import OpenFile

GIGABYTE = 10**9
BIG = {"sig_shape": (256, 256), "dtype": "u2"}
TINY = {"sig_shape": (16, 16), "dtype": "u2"}


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.fixture
def reads(monkeypatch):
    """Bytes that anybody reads or maps of a file that is held open."""
    seen = []
    for name in ("read_into", "mapped"):
        original = getattr(OpenFile, name)

        def noted(self, *how, name=name, original=original):
            seen.append(name)
            return original(self, *how)

        monkeypatch.setattr(OpenFile, name, noted)
    return seen


class TestOpening:
    """Nothing is read and little is allocated to know what a file holds."""

    @pytest.mark.parametrize(
        ("size", "how", "frames"),
        [(40 * GIGABYTE, BIG, 305_175), (2_048_000_000, TINY, 4_000_000)],
    )
    def test_raw(self, tmp_path, reads, size, how, frames):
        path = sparse(tmp_path / "a.raw", size)
        inspect_file(path, format="raw", **how)  # imports what it needs
        tracemalloc.start()
        try:
            data_set = open_dataset(path, "raw", **how)
            found = inspect_file(path, format="raw", **how)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert data_set.frames == found.frames_found == frames
        assert "read_into" not in reads  # a map costs nothing until somebody looks at it
        assert peak < 1 << 20

    def test_npy(self, tmp_path, reads):
        np.lib.format.open_memmap(tmp_path / "a.npy", "w+", "u2", (2000, 2000, 16, 16))

        data_set = open_dataset(tmp_path / "a.npy")

        assert data_set.frames == 4_000_000
        assert len(data_set.segments) == 1
        assert reads == []


class TestBlocks:
    """A block says as much, and a run allocates as much, however large the file is."""

    def test_a_block_of_a_large_file_is_as_small(self, tmp_path):
        small = open_dataset(sparse(tmp_path / "s.raw", 1024 * 131_072), "raw", **BIG)
        large = open_dataset(sparse(tmp_path / "l.raw", 40 * GIGABYTE), "raw", **BIG)

        sizes = [
            [len(pickle.dumps(block)) for block in islice(one.reader().blocks(BlockPlan(2)), 4)]
            for one in (small, large)
        ]

        assert max(sizes[1]) <= max(sizes[0]) + 16  # a number may take a few bytes more

    def test_as_many_blocks_for_a_frame(self, tmp_path):
        each = []
        for frames in (262_144, 4_194_304):
            data_set = open_dataset(sparse(tmp_path / "t.raw", frames * 512), "raw", **TINY)
            each.append(len(data_set.cuts(2)) / frames)

        assert each[1] <= each[0] * 1.1

    def test_memory_does_not_grow_with_the_file(self, tmp_path):
        """Beside a few bytes for each position: whether it has a frame, and where to cut."""
        peaks = []
        for frames in (65_536, 1_048_576):
            data_set = open_dataset(sparse(tmp_path / "t.raw", frames * 512), "raw", **TINY)
            out = np.empty((64, 16, 16), "u2")
            tracemalloc.start()
            try:
                for block in data_set.reader().blocks(BlockPlan(2)):
                    with block.open() as opened:
                        opened.read(np.arange(64), out)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            peaks.append(peak)

        assert peaks[1] - peaks[0] < 40 * (1_048_576 - 65_536)
