"""Headerless binary files."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from framefold.api import Context
from framefold.core.reader import BlockPlan
from framefold.errors import DataError, ParameterError
from framefold.formats import open_dataset
from recordings_for_tests import counts, delivered


def opened_first(data_set):
    return next(iter(data_set.reader().blocks(BlockPlan()))).open()


class TestRaw:
    """Reads what the user describes, in place where it can."""

    @pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", ">f4", "<f8", "<c8", ">i4"])
    def test_equals_numpy(self, tmp_path, dtype):
        data = counts((3, 5), (4, 6)).astype(dtype)
        path = tmp_path / "frames.bin"
        path.write_bytes(data.tobytes())

        data_set = open_dataset(path, "raw", dtype=dtype, nav_shape=(3, 5), sig_shape=(4, 6))
        got, times = delivered(data_set)

        assert data_set.acquisition.dtype.isnative
        assert (times == 1).all()
        assert (got == data.reshape(15, 4, 6)).all()

    def test_header_before_the_file_and_before_each_frame(self, tmp_path):
        data = counts((7,), (4, 6), "u4")
        path = tmp_path / "frames.bin"
        frames = b"".join(b"?" * 13 + frame.tobytes() for frame in data)
        path.write_bytes(b"head!" + frames)

        data_set = open_dataset(
            path, "raw", dtype="u4", nav_shape=-1, sig_shape=(4, 6), offset=5,
            frame_header_bytes=13,
        )  # fmt: skip

        assert (delivered(data_set)[0] == data).all()

    def test_no_copy_of_consecutive_frames(self, tmp_path):
        data = counts((8,), (4, 4))
        path = tmp_path / "frames.bin"
        path.write_bytes(data.tobytes())
        out = np.empty((3, 4, 4), data.dtype)

        with opened_first(
            open_dataset(path, "raw", dtype="u2", nav_shape=8, sig_shape=(4, 4), num_partitions=1)
        ) as frames:
            pixels = frames.read(np.arange(2, 5), out)
            scattered = frames.read(np.array([0, 3, 4]), out).copy()

        assert not np.shares_memory(pixels, out)
        assert not pixels.flags.writeable
        assert (pixels == data[2:5]).all()
        assert (scattered == data[[0, 3, 4]]).all()

    def test_a_cut_off_last_frame_is_named(self, tmp_path):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(3 * 16 + 5))

        data_set = open_dataset(path, "raw", dtype="u1", nav_shape=(2, 2), sig_shape=(4, 4))

        assert data_set.frames == 3
        assert "5 bytes" in data_set.facts.problems[0]

    def test_asks_for_what_is_not_told(self, tmp_path):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(64))

        with pytest.raises(ParameterError, match="give dtype and sig_shape"):
            open_dataset(path, "raw", nav_shape=(2, 2))

    def test_an_unknown_file_that_is_described_needs_no_name_of_a_format(self, tmp_path):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(range(64)))

        data_set = open_dataset(path, dtype="u1", sig_shape=(4, 4))

        assert data_set.facts.format == "raw"
        assert data_set.acquisition.nav_shape == (2, 2)
        assert data_set.facts.nav_confidence == "low"

    @pytest.mark.parametrize("cut", [0, 1, 7])
    def test_bytes_behind_each_frame(self, tmp_path, cut):
        data = counts((5,), (4, 6), "u4")
        content = b"".join(b"??" + frame.tobytes() + b"!" * 7 for frame in data)
        path = tmp_path / "frames.bin"
        path.write_bytes(content[: len(content) - cut])

        data_set = open_dataset(
            path, "raw", dtype="u4", nav_shape=-1, sig_shape=(4, 6),
            frame_header_bytes=2, frame_footer_bytes=7,
        )  # fmt: skip

        assert (delivered(data_set)[0] == data).all()
        assert data_set.facts.problems == ()

    @pytest.mark.parametrize(("order", "letter"), [("little", "<"), ("big", ">"), (None, "=")])
    def test_byte_order_apart_from_the_type(self, tmp_path, order, letter):
        data = counts((5,), (4, 6), "u2")
        path = tmp_path / "frames.bin"
        path.write_bytes(data.astype(f"{letter}u2").tobytes())

        data_set = open_dataset(path, "raw", dtype="u2", sig_shape=(4, 6), byteorder=order)

        assert (delivered(data_set)[0] == data).all()

    @pytest.mark.parametrize("wrong", [{"byteorder": "middle"}, {"frame_footer_bytes": -1}])
    def test_options_that_cannot_be(self, tmp_path, wrong):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(64))

        with pytest.raises(ParameterError):
            open_dataset(path, "raw", dtype="u1", sig_shape=(4, 4), **wrong)

    def test_too_short_for_one_frame(self, tmp_path):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(64))

        with pytest.raises(DataError, match="holds no frame"):
            open_dataset(path, "raw", dtype="u1", sig_shape=(9, 9), nav_shape=1)

    def test_a_file_that_changed_is_not_read(self, tmp_path):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(64))
        data_set = open_dataset(path, "raw", dtype="u1", sig_shape=(4, 4), nav_shape=4)
        path.write_bytes(bytes(48))

        with pytest.raises(DataError, match="has changed"), opened_first(data_set):
            pass

    def test_a_file_that_vanished_is_named(self, tmp_path):
        path = tmp_path / "frames.bin"
        path.write_bytes(bytes(64))
        data_set = open_dataset(path, "raw", dtype="u1", sig_shape=(4, 4), nav_shape=4)
        path.unlink()

        with pytest.raises(DataError, match="there is no file"), opened_first(data_set):
            pass

    @pytest.mark.recordings
    def test_real_backscatter_patterns(self, recordings):
        folder: Path = recordings / "raw_binary_nordif"
        truth = json.loads((folder / "truth.json").read_text())["arrays"]["data"]

        data_set = Context.inline().load(
            "auto", path=folder / "Pattern.dat", dtype="u1", sig_shape=(60, 60)
        )
        got, _ = delivered(data_set)

        assert data_set.acquisition.nav_shape == (3, 3)
        assert hashlib.sha256(got.tobytes()).hexdigest() == truth["sha256_array_le_c"]
