"""Pages of a chunk index that were written by half, mended without losing what was safe."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from framefold.api import Context
from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.core.scan import Scan
from framefold.formats import open_dataset
from framefold.formats.chunk_index import FixedArray
from framefold.formats.superblock import Superblock, lookup3
from framefold.formats.unfinished import Unfinished, patches
from framefold.kernels import lookup3 as kernels
from framefold.record.chunk_form import ChunkForm
from framefold.record.data_file import DataFile
from framefold.record.dead_writer import close_for_dead_writer
from framefold.record.master import begin_master
from framefold.record.plan import Plan
from framefold.record.repair import repair
from framefold.record.story import Story

SIG = (2, 3)


def payload(position: int) -> bytes:
    """A raw frame of u2 that tells its position."""
    return np.full(SIG, position, "<u2").tobytes()


def begun(path, count, positions) -> DataFile:
    """A data file with frames at these positions, flushed and open."""
    form = ChunkForm.of(Encoding("raw"), np.dtype("u2"), SIG)
    file = DataFile(path, form, (0, count))
    for position in positions:
        file.write(position, payload(position), 0, 1.0)
    file.put()
    file.flush()
    return file


@pytest.fixture(params=[300, 5000])  # without pages, and with some
def states(request, tmp_path):
    """The bytes of a file at two flushes, as a writer that dies leaves it."""
    count = request.param
    first = np.random.default_rng(1).permutation(count)[: count // 2].tolist()
    second = [p for p in range(count) if p not in set(first)][: count // 4]
    file = begun(tmp_path / "x.h5", count, first)
    before = (tmp_path / "x.h5").read_bytes()
    for position in second:
        file.write(position, payload(position), 0, 1.0)
    file.put()
    file.flush()
    after = (tmp_path / "x.h5").read_bytes()
    file.close()
    return first, second, before, after


class TestChecksum:
    def test_kernel(self):
        rng = np.random.default_rng(0)
        for length in [*range(40), 20484]:
            data = rng.integers(0, 256, length).astype("u1")
            assert int(kernels.lookup3(data)) == lookup3(data.tobytes())


class TestCutInTwo:
    """The front of the index is as after the second flush, the rest as before."""

    def test_whole(self, states, tmp_path):
        _, _, _, after = states
        (tmp_path / "y.h5").write_bytes(after)
        assert list(patches(tmp_path / "y.h5")) == [0]  # the superblock alone

    @pytest.mark.parametrize("part", [0.05, 0.3, 0.5, 0.8, 0.99])
    def test_everything_safe_is_there(self, states, part, tmp_path):
        first, second, before, after = states
        path = tmp_path / "y.h5"
        index = FixedArray.find(np.frombuffer(after, np.uint8))
        cut = index.address + int(part * index.entries * index.width)
        torn = bytearray(after)
        stop = index.address + index.entries * index.width + 100 * (index.pages + 1)
        torn[cut : min(stop, len(before))] = before[cut : min(stop, len(before))]
        path.write_bytes(torn)
        assert Superblock.read(path).flags

        with Unfinished(path) as plain, h5py.File(plain, "r") as file:
            shown = file["entry/data/data"][:, 0, 0]
        assert path.read_bytes() == torn
        assert close_for_dead_writer(path)
        assert not close_for_dead_writer(path)
        with h5py.File(path, "r") as file:
            found = file["entry/data/data"][()]
            chunks = file["entry/data/data"].id.get_num_chunks()

        assert (found[:, 0, 0] == shown).all()
        assert (found[first] == np.array(first, "u2")[:, None, None]).all()
        others = np.setdiff1d(np.arange(len(found)), first)
        assert np.isin(found[others, 0, 0], [0, *second]).all()
        assert ((found[others, 0, 0] == 0) | (found[others, 0, 0] == others)).all()
        assert len(first) <= chunks <= len(first) + len(second)
        assert open_dataset(path).frames >= len(first)

    def test_entries_that_lead_nowhere(self, states, tmp_path):
        """An entry that is itself cut in two, and one that was never written."""
        first, _, before, _ = states
        content = bytearray(before)
        index = FixedArray.find(np.frombuffer(before, np.uint8))
        start = index.address + 14 + (-(-index.pages // 8) + 4 if index.pages else 0)
        free = [p for p in range(min(index.per_page, index.entries)) if p not in set(first)][:2]
        for position, address in zip(free, (0, 0xFFFFFFFF00001234), strict=True):
            at = start + position * index.width
            content[at : at + 8] = address.to_bytes(8, "little")
        (tmp_path / "y.h5").write_bytes(content)
        close_for_dead_writer(tmp_path / "y.h5")
        with h5py.File(tmp_path / "y.h5", "r") as file:
            assert file["entry/data/data"].id.get_num_chunks() == len(first)
            assert not file["entry/data/data"][sorted(free)].any()


class TestRecording:
    """A recording whose writer died in the middle of a page."""

    def test_read_as_it_is(self, tmp_path):
        known = Acquisition("it", "here", Scan((50, 100)), SIG, np.dtype("u2"))
        plan = Plan(tmp_path, "x", 5000, 5000)
        begin_master(plan, known, Story(started=1.0))
        file = begun(plan.data_file(0), 5000, range(2000))
        content = bytearray(plan.data_file(0).read_bytes())
        file.close()
        index = FixedArray.find(np.frombuffer(content, np.uint8))
        # the checksum of the first page fits no more
        last = index.address + 14 + 1 + 4 + 1024 * index.width
        content[last] ^= 0xFF
        plan.data_file(0).write_bytes(content)

        with Context.inline() as ctx:
            dataset = ctx.load(plan.master)
            assert dataset.frames == 2000
            assert (ctx.frame(dataset, (19, 99)) == 1999).all()
        assert repair(plan.master) == 2000
