"""DECTRIS filewriter HDF5, made here as the filewriter makes it."""

import hashlib

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold.core.reader import BlockPlan
from framefold.errors import DataError, ParameterError, UnknownNameError
from framefold.formats import open_dataset, recognise
from recordings_for_tests import counts, delivered, write_bslz4, write_series


class TestMaster:
    """A master and its data files are one series."""

    def test_equals_what_was_written(self, tmp_path):
        data = counts((20,), (8, 6))

        data_set = open_dataset(write_series(tmp_path, data, 6, ntrigger=4))
        got, times = delivered(data_set)

        assert data_set.facts.format == "simplon_h5"
        assert data_set.facts.codec == "bslz4"
        assert data_set.facts.has_mask
        assert data_set.facts.problems == ()
        assert data_set.acquisition.nav_shape == (4, 5)
        assert "4 triggers of 5 images" in data_set.facts.nav_reason
        assert (times == 1).all()
        assert (got == data).all()

    def test_metadata_as_plain_values(self, tmp_path):
        data_set = open_dataset(write_series(tmp_path, counts((4,), (8, 6)), 2))

        found = data_set.acquisition.metadata
        assert found["instrument/detector/description"] == "EIGER2 made up"
        assert found["instrument/detector/detectorSpecific/nimages"] == 4
        assert "instrument/detector/detectorSpecific/pixel_mask" not in found

    def test_a_square_is_guessed(self, tmp_path):
        data_set = open_dataset(write_series(tmp_path, counts((16,), (8, 6)), 6))

        assert data_set.acquisition.nav_shape == (4, 4)
        assert "guessed: 16 is 4 x 4" in data_set.facts.nav_reason

    @settings(max_examples=25, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(
        frames=st.integers(1, 14),
        per_file=st.integers(1, 5),
        lost=st.sets(st.integers(0, 13)),
        numbers=st.booleans(),
        offset=st.integers(-3, 3),
        partitions=st.integers(1, 4),
    )
    def test_missing_files_leave_their_positions_missing(
        self, tmp_path, frames, per_file, lost, numbers, offset, partitions
    ):
        data = counts((frames,), (4, 4))
        folder = tmp_path / f"{frames}-{per_file}-{sorted(lost)}-{numbers}-{offset}-{partitions}"
        folder.mkdir(exist_ok=True)
        master = write_series(folder, data, per_file, numbers=numbers)
        there = np.ones(frames, dtype=bool)
        for i in sorted(lost):
            path = folder / f"scan_data_{i + 1:06d}.h5"
            if path.exists():
                path.unlink()
                there[i * per_file : (i + 1) * per_file] = False
        if not there.any():
            with pytest.raises(DataError, match="none of its"):
                open_dataset(master)
            return
        if not numbers and not there[:per_file].all() and there.sum() < per_file:
            return  # only the short last file is left, and it says nothing of its place
        offset = max(1 - frames, min(frames - 1, offset))

        data_set = open_dataset(
            master, nav_shape=(frames,), sync_offset=offset,
            num_partitions=min(partitions, frames),
        )  # fmt: skip
        got, times = delivered(data_set)

        number = np.arange(frames) + offset
        inside = (number >= 0) & (number < frames)
        expected = np.zeros(frames, dtype=bool)
        expected[inside] = there[number[inside]]
        assert (times == expected).all()
        assert (got[expected] == data[number[expected]]).all()
        assert bool(data_set.facts.missing_files) == (not there.all())

    def test_missing_files_are_named_and_the_end_is_incomplete(self, tmp_path):
        master = write_series(tmp_path, counts((20,), (8, 6)), 6)
        (tmp_path / "scan_data_000002.h5").unlink()

        data_set = open_dataset(master)
        reader = data_set.reader()
        list(reader.blocks(BlockPlan()))

        assert data_set.facts.missing_files == ("scan_data_000002.h5",)
        assert "scan_data_000002.h5 (data_000002) is missing" in data_set.facts.problems[0]
        assert not reader.ending().complete
        assert reader.losses().missing == 6
        assert "6 of 20" in reader.ending().reason

    def test_a_damaged_file_is_left_out(self, tmp_path):
        master = write_series(tmp_path, counts((20,), (8, 6)), 6)
        (tmp_path / "scan_data_000003.h5").write_bytes(b"nothing")

        data_set = open_dataset(master)

        assert "scan_data_000003.h5" in data_set.facts.problems[0]
        assert data_set.frames == 14

    def test_a_file_of_other_frames_is_left_out(self, tmp_path):
        master = write_series(tmp_path, counts((20,), (8, 6)), 6)
        write_bslz4(tmp_path / "scan_data_000003.h5", counts((6,), (5, 5)))

        data_set = open_dataset(master)

        assert "(5, 5)" in data_set.facts.problems[0]
        assert data_set.frames == 14

    def test_a_file_that_repeats_numbers_is_left_out(self, tmp_path):
        master = write_series(tmp_path, counts((20,), (8, 6)), 6)
        with h5py.File(tmp_path / "scan_data_000002.h5", "r+") as file:
            file["/entry/data/data"].attrs["image_nr_low"] = 3

        data_set = open_dataset(master)

        assert any("repeats image numbers" in problem for problem in data_set.facts.problems)

    def test_a_gap_in_the_numbers_is_missing(self, tmp_path):
        data = counts((12,), (8, 6))
        master = write_series(tmp_path, data, 6)
        with h5py.File(tmp_path / "scan_data_000002.h5", "r+") as file:
            file["/entry/data/data"].attrs["image_nr_low"] = 11
            file["/entry/data/data"].attrs["image_nr_high"] = 16

        _, times = delivered(open_dataset(master, nav_shape=16))

        assert times.tolist() == [1] * 6 + [0] * 4 + [1] * 6

    def test_files_that_moved_together(self, tmp_path):
        data = counts((6,), (8, 6))
        master = write_series(tmp_path, data, 6)
        with h5py.File(master, "r+") as file:
            del file["/entry/data/data_000001"]
            file["/entry/data/data_000001"] = h5py.ExternalLink(
                "/detector/ram/scan_data_000001.h5", "/entry/data/data"
            )

        assert (delivered(open_dataset(master))[0] == data).all()

    def test_fewer_images_than_were_asked_for(self, tmp_path):
        master = write_series(tmp_path, counts((20,), (8, 6)), 6)
        with h5py.File(master, "r+") as file:
            file["/entry/instrument/detector/detectorSpecific/nimages"][()] = 25

        data_set = open_dataset(master)

        assert data_set.acquisition.nav_shape == (5, 5)
        assert "5 of 25 frames" in data_set.facts.problems[0]

    def test_data_inside_the_master(self, tmp_path):
        """nimages_per_file = 0."""
        data = counts((6,), (8, 6))
        path = write_bslz4(tmp_path / "scan_master.h5", data, "/entry/data/data_000001")

        data_set = open_dataset(path)

        assert (delivered(data_set)[0] == data).all()
        assert recognise(path)[0] == "simplon_h5"


class TestDataFile:
    """A data file alone starts with its own first image."""

    def test_second_file_of_a_series(self, tmp_path):
        data = counts((12,), (8, 6))
        write_series(tmp_path, data, 6)

        data_set = open_dataset(tmp_path / "scan_data_000002.h5")

        assert data_set.facts.format == "simplon_h5"
        assert (delivered(data_set)[0] == data[6:]).all()

    def test_has_no_channels(self, tmp_path):
        write_series(tmp_path, counts((6,), (8, 6)), 6)

        with pytest.raises(ParameterError, match="channel='threshold_1'"):
            open_dataset(tmp_path / "scan_data_000001.h5", channel="threshold_1")

    @pytest.mark.recordings
    def test_real_eiger_4m_frame(self, recordings):
        data_set = open_dataset(recordings / "eiger_4m_h5_bslz4" / "bitshuffle.h5")

        got, _ = delivered(data_set, rows_at_once=1)

        assert data_set.facts.format == "simplon_h5"
        assert hashlib.sha256(got.tobytes()).hexdigest().startswith("3cfd4e6d5b558c71")


class TestNexus:
    """The 4-D form holds all channels of an exposure; one of them is read."""

    def write(self, path, data, *, virtual=False, compression=True):
        made = {"chunks": (1, 1, 8, 6), **hdf5plugin.Bitshuffle()} if compression else {}
        with h5py.File(path, "w") as file:
            if virtual:
                layout = h5py.VirtualLayout(shape=data.shape, dtype=data.dtype)
                for i in range(0, len(data), 4):
                    part = data[i : i + 4]
                    with h5py.File(path.with_name(f"part{i}.h5"), "w") as other:
                        other.create_dataset("d", data=part, **made)
                    layout[i : i + 4] = h5py.VirtualSource(f"part{i}.h5", "d", shape=part.shape)
                file.create_virtual_dataset("/entry/data/data", layout)
            else:
                file.create_dataset("/entry/data/data", data=data, **made)
            file["/entry/data/channel"] = [b"threshold_1", b"threshold_2"]
            file["/entry/data/image_id"] = np.arange(1, len(data) + 1)
            file["/entry/program_name"] = "DECTRIS-DAQ"
            file["/entry/instrument/detector/threshold_1_channel/pixel_mask"] = np.zeros((8, 6))
        return path

    @pytest.mark.parametrize("virtual", [False, True])
    @pytest.mark.parametrize("compression", [False, True])
    @pytest.mark.parametrize(
        ("channel", "index"), [(None, 0), ("threshold_1", 0), ("threshold_2", 1), (1, 1)]
    )
    def test_one_channel(self, tmp_path, virtual, compression, channel, index):
        data = counts((9, 2), (8, 6))
        path = self.write(tmp_path / "a.h5", data, virtual=virtual, compression=compression)

        data_set = open_dataset(path, channel=channel)

        assert data_set.facts.format == "simplon_h5"
        assert data_set.facts.codec == ("bslz4" if compression else "raw")
        assert data_set.facts.has_mask
        assert data_set.acquisition.nav_shape == (3, 3)
        assert (delivered(data_set)[0] == data[:, index]).all()

    def test_unknown_channels(self, tmp_path):
        path = self.write(tmp_path / "a.h5", counts((9, 2), (8, 6)))

        with pytest.raises(UnknownNameError, match="did you mean 'threshold_2'"):
            open_dataset(path, channel="treshold_2")
        with pytest.raises(ParameterError, match=r"channels 0\.\.1"):
            open_dataset(path, channel=2)

    def test_a_source_that_is_gone(self, tmp_path):
        data = counts((9, 2), (8, 6))
        path = self.write(tmp_path / "a.h5", data, virtual=True)
        (tmp_path / "part4.h5").unlink()

        data_set = open_dataset(path, channel=1)
        got, times = delivered(data_set)

        assert times.tolist() == [1] * 4 + [0] * 4 + [1]
        assert (got[times > 0] == data[times > 0, 1]).all()
        assert data_set.facts.missing_files == ("part4.h5",)

    def test_lost_images_are_missing(self, tmp_path):
        data = counts((4, 2), (8, 6))
        path = self.write(tmp_path / "a.h5", data)
        with h5py.File(path, "r+") as file:
            file["/entry/data/image_id"][()] = [1, 2, 5, 6]

        got, times = delivered(open_dataset(path, nav_shape=6))

        assert times.tolist() == [1, 1, 0, 0, 1, 1]
        assert (got[[0, 1, 4, 5]] == data[:, 0]).all()
