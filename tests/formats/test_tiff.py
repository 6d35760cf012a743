"""TIFF stacks in the ways that writers lay them out."""

import numpy as np
import pytest
import tifffile

from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.errors import DataError
from framefold.formats import open_dataset
from made_files import write_tiff
from recordings_for_tests import counts, delivered


class TestLayouts:
    """Pages come the same however they are stored; in place where they can be."""

    @pytest.mark.parametrize(
        ("options", "codec"),
        [
            ({}, "raw"),
            ({"byteorder": ">"}, "raw"),
            ({"bigtiff": True}, "raw"),
            ({"compression": "zlib"}, "adobe_deflate"),
            ({"tile": (16, 16)}, "in pieces"),
            ({"rowsperstrip": 2, "contiguous": False}, "raw"),
        ],
    )
    @pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
    def test_equals_what_was_written(self, tmp_path, options, codec, dtype):
        data = counts((5,), (20, 18), dtype)

        data_set = open_dataset(write_tiff(tmp_path, data, **options))
        got, times = delivered(data_set)

        assert data_set.facts.codec == codec
        assert (times == 1).all()
        assert (got == data).all()

    def test_pages_written_one_by_one(self, tmp_path):
        data = counts((5,), (6, 8))
        with tifffile.TiffWriter(tmp_path / "a.tif") as file:
            for i, frame in enumerate(data):
                file.write(frame, contiguous=False, description=f"page {i}")

        data_set = open_dataset(tmp_path / "a.tif")

        assert data_set.facts.codec == "raw"
        assert (delivered(data_set)[0] == data).all()

    def test_four_axes(self, tmp_path):
        data = counts((2, 3), (6, 8))

        data_set = open_dataset(write_tiff(tmp_path, data))

        assert data_set.acquisition.nav_shape == (2, 3)
        assert (delivered(data_set)[0] == data.reshape(6, 6, 8)).all()

    def test_colours_are_refused(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", np.zeros((6, 8, 3), "u1"), photometric="rgb")

        with pytest.raises(DataError, match="one sample for each pixel"):
            open_dataset(tmp_path / "a.tif")

    def test_a_page_that_does_not_decode_costs_its_position(self, tmp_path):
        data = counts((5,), (20, 18))
        path = write_tiff(tmp_path, data, compression="zlib")
        with tifffile.TiffFile(path) as file:
            start = file.pages[2].dataoffsets[0]
        content = bytearray(path.read_bytes())
        content[start : start + 8] = b"\xff" * 8
        path.write_bytes(content)

        (block,) = open_dataset(path, num_partitions=1).reader().blocks(BlockPlan())
        with block.open() as frames:
            with pytest.raises(UndecodableFrames) as caught:
                frames.read(np.arange(5), np.empty((5, 20, 18), "u2"))
            good = frames.read(np.array([0, 1, 3, 4]), np.empty((4, 20, 18), "u2"))

            assert caught.value.rows.tolist() == [2]
            assert (good == data[[0, 1, 3, 4]]).all()

    @pytest.mark.parametrize(("tag", "value"), [(257, 1 << 27), (278, 1)])
    def test_a_page_that_promises_millions_of_pieces(self, tmp_path, tag, value):
        data = counts((5,), (20, 18))
        path = write_tiff(tmp_path, data, compression="zlib")
        with tifffile.TiffFile(path, mode="r+b") as file:
            file.pages[2].aspage().tags[tag].overwrite(value, dtype=4)

        (block,) = open_dataset(path, num_partitions=1).reader().blocks(BlockPlan())
        with block.open() as frames, pytest.raises(UndecodableFrames, match="promises") as caught:
            frames.read(np.arange(5), np.empty((5, 20, 18), "u2"))

        assert caught.value.rows.tolist() == [2]
