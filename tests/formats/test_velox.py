"""Velox files: the last axis counts the frames."""

import json

import h5py
import hdf5plugin
import numpy as np
import pytest

from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.errors import DataError, UnknownNameError
from framefold.formats import open_dataset, recognise
from recordings_for_tests import counts, delivered
from shared_workers import SharedWorkers

LAYOUTS = {
    "contiguous": ({}, "raw"),
    "frame by frame": ({"chunks": (8, 6, 1)}, "raw"),
    "bitshuffled": ({"chunks": (8, 6, 1), **hdf5plugin.Bitshuffle()}, "bslz4"),
    "gzip": ({"chunks": (8, 6, 1), "compression": "gzip"}, "deflate"),
    "several frames": ({"chunks": (4, 6, 3), "compression": "gzip"}, "deflate"),
}


def written(path, data, **options):
    with h5py.File(path, "w") as file:
        file["Version"] = [json.dumps({"format": "Velox", "version": "1.10"})]
        turned = np.moveaxis(data, 0, -1)
        file.create_dataset("Data/Image/0f3a/Data", data=turned, **options)
        file.create_dataset("Data/Image/0f3b/Data", data=turned[..., :1])
    return path


class TestStacks:
    """Whatever the layout, frames are those that were recorded."""

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("dtype", ["u2", "i4"])
    def test_equals_what_was_written(self, tmp_path, layout, dtype):
        data = counts((7,), (8, 6), dtype)
        options, codec = LAYOUTS[layout]
        path = written(tmp_path / "a.emd", data, **options)

        data_set = open_dataset(path, nav_shape=(1, 7), num_partitions=3)
        got, times = delivered(data_set)

        assert recognise(path)[0] == "velox"
        assert data_set.facts.codec == codec
        assert (times == 1).all()
        assert (got == data).all()

    def test_another_stack(self, tmp_path):
        data = counts((7,), (8, 6))
        path = written(tmp_path / "a.emd", data)

        assert open_dataset(path, ds_path="/Data/Image/0f3b/Data").frames == 1
        with pytest.raises(UnknownNameError, match="0f3b"):
            open_dataset(path, ds_path="/Data/Image/0f3c/Data")

    def test_no_images(self, tmp_path):
        with h5py.File(tmp_path / "a.emd", "w") as file:
            file["Version"] = [json.dumps({"format": "Velox"})]

        with pytest.raises(DataError, match="no images"):
            open_dataset(tmp_path / "a.emd")

    @pytest.mark.parametrize("version", ["Velox", "[]", json.dumps({"format": "other"})])
    def test_other_files_are_plain_hdf5(self, tmp_path, version):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["Version"] = version
            file["frames"] = counts((7,), (8, 6))

        assert recognise(tmp_path / "a.h5")[0] == "hdf5"

    def test_a_damaged_frame_costs_its_position(self, tmp_path):
        data = counts((7,), (8, 6))
        path = written(tmp_path / "a.emd", data, chunks=(8, 6, 1), compression="gzip")
        with h5py.File(path) as file:
            chunk = file["Data/Image/0f3a/Data"].id.get_chunk_info_by_coord((0, 0, 4))
        content = bytearray(path.read_bytes())
        content[chunk.byte_offset : chunk.byte_offset + 12] = b"\xff" * 12
        path.write_bytes(content)

        (block,) = open_dataset(path, nav_shape=7, num_partitions=1).reader().blocks(BlockPlan())
        with block.open() as frames:
            with pytest.raises(UndecodableFrames) as caught:
                frames.read(np.arange(7), np.empty((7, 8, 6), "u2"))
            good = frames.read(np.array([0, 3, 5]), np.empty((3, 8, 6), "u2"))

            assert caught.value.rows.tolist() == [4]
            assert (good == data[[0, 3, 5]]).all()


@pytest.mark.parametrize("layout", ["contiguous", "bitshuffled", "several frames"])
class TestConformance(SharedWorkers):
    options = {"nav_shape": (4, 5)}
    examples = 2

    @pytest.fixture
    def recording(self, tmp_path, layout):
        data = counts((20,), (8, 6))
        return written(tmp_path / "a.emd", data, **LAYOUTS[layout][0]), data.reshape(4, 5, 8, 6)
