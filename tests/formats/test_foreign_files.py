"""Formats of other makers, written here as small files: what is in them, whole and damaged."""

import contextlib
import sys

import numpy as np
import pytest

from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.errors import DataError, FramefoldError
from framefold.formats import inspect_file, open_dataset, recognise
from made_files import WRITERS
from recordings_for_tests import delivered


def frames_for(name, count=7):
    dtype = "u1" if name == "blo" else "u2"
    return np.random.default_rng(3).integers(0, 250, (count, 6, 6)).astype(dtype)


@pytest.fixture(params=list(WRITERS))
def made(request, tmp_path):
    """Name of a format, a file of it, what is in it."""
    data = frames_for(request.param)
    return request.param, WRITERS[request.param](tmp_path, data), data


class TestWhole:
    """A file gives what was written, whatever it is called."""

    def test_equals_what_was_written(self, made):
        name, path, data = made

        data_set = open_dataset(path)
        got, times = delivered(data_set)

        assert recognise(path)[0] == name
        assert data_set.facts.problems == ()
        assert data_set.dtype == data.dtype
        assert (times == 1).all()
        assert (got == data).all()
        assert data_set.reader().ending().complete

    def test_any_scan_shape_offset_and_selection(self, made):
        _, path, data = made
        selection = np.array([True, False, True, True, False, True, True, True])

        data_set = open_dataset(path, nav_shape=(2, 4), sync_offset=1, num_partitions=3)
        got, times = delivered(data_set, selection=selection, rows_at_once=2)

        assert data_set.acquisition.nav_shape == (2, 4)
        assert (got[selection[:8]][:4] == data[1:][selection[:6]]).all()
        assert times[6:].tolist() == [0, 0]

    def test_blocks_are_picklable(self, made):
        import pickle

        _, path, data = made
        for block in open_dataset(path, num_partitions=2).reader().blocks(BlockPlan(2)):
            with pickle.loads(pickle.dumps(block)).open() as frames:
                rows = np.arange(len(frames.positions))
                got = frames.read(rows, np.empty((len(rows), 6, 6), data.dtype))
                assert (got == data[frames.positions]).all()

    def test_inspection(self, made):
        name, path, _ = made

        found = inspect_file(path)

        assert found.format == name
        assert found.sig_shape == (6, 6)
        assert found.problems == ()
        assert f"{name}" in found.as_text()


class TestDamaged:
    """Damage costs positions or gives a clear error, never anything else."""

    def test_cut_off(self, made):
        name, path, data = made
        whole = path.read_bytes()
        last = data[6][::-1] if name == "ser" else data[6]
        path.write_bytes(whole[: whole.index(last.tobytes()) + data[0].nbytes // 2])
        if name == "dm":  # what says where the pixels lie comes after them
            with pytest.raises(DataError, match="cannot be read"):
                open_dataset(path)
            return
        data_set = open_dataset(path, nav_shape=7)
        got = np.zeros_like(data)
        bad = 0
        for block in data_set.reader().blocks(BlockPlan(1)):
            with block.open() as frames:
                for row, position in enumerate(frames.positions):
                    out = np.empty((1, 6, 6), data.dtype)
                    try:
                        got[position] = frames.read(np.array([row]), out)[0]
                    except UndecodableFrames:
                        bad += 1

        assert (got[:6] == data[:6]).all()
        assert not got[6].any()
        assert data_set.facts.problems
        assert data_set.frames - bad == 6

    def test_random_damage(self, made, tmp_path):
        _, path, _ = made
        whole = path.read_bytes()
        rng = np.random.default_rng(11)
        for i in range(80):
            content = bytearray(whole)
            for at in rng.integers(0, min(len(content), 600), 3):
                content[at] = rng.integers(256)
            if i % 4 == 0:
                del content[rng.integers(len(content)) :]
            path.write_bytes(content)
            inspect_file(path).as_text()
            with contextlib.suppress(FramefoldError, UndecodableFrames):
                data_set = open_dataset(path)
                if data_set.acquisition.scan.size * data_set.acquisition.frame_bytes < 1 << 22:
                    delivered(data_set)

    def test_a_header_alone(self, made):
        _, path, _ = made
        path.write_bytes(path.read_bytes()[:40])

        with pytest.raises(DataError):
            open_dataset(path)


class TestOptional:
    """Without its library a format says what to install."""

    @pytest.mark.parametrize(
        ("name", "module", "install"),
        [
            ("mrc", "mrcfile", "mrc"),
            ("tiff", "tifffile", "tiff"),
            ("dm", "ncempy.io.dm", "ncem"),
            ("ser", "ncempy.io.ser", "ncem"),
        ],
    )
    def test_named(self, tmp_path, monkeypatch, name, module, install):
        path = WRITERS[name](tmp_path, frames_for(name))
        monkeypatch.setitem(sys.modules, module, None)

        assert recognise(path)[0] == name
        with pytest.raises(DataError, match=rf"framefold\[{install}\]"):
            open_dataset(path)
