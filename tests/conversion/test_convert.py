"""Recordings written anew: the new file opens with equal numbers, and says what it says."""

from __future__ import annotations

import json
import os

import h5py
import hdf5plugin
import numpy as np
import pytest
import zarr

from cli.programs import called
from framefold import SumUDF
from framefold.api import Context
from framefold.conversion import convert
from framefold.errors import DataError, ParameterError
from framefold.formats import open_dataset
from framefold.formats.stored import chunk_index
from made_files import WRITERS
from merlin_files import write_mib
from recordings_for_tests import counts, delivered, write_bslz4, write_series

TARGETS = ["out.h5", "out.npy", "out.zarr"]


def sums(data_set):
    with Context.inline() as ctx:
        return ctx.run_udf(data_set, SumUDF())["intensity"].data


def write_boxes(folder, data, **how):
    path = folder / "boxes.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=data, chunks=(2, 3, 6, 4), **how)
    return path


def sources(folder):
    """One of each way in which frames are stored."""
    data = counts((4, 5), (6, 8))
    np.save(folder / "plain.npy", data)
    one = write_bslz4(folder / "one.h5", data)
    boxes = write_boxes(folder, data, compression="gzip", shuffle=True, fletcher32=True)
    (folder / "mib").mkdir()
    hdr = {"ScanX": 5, "ScanY": 4}
    packed = counts((20,), (2, 256)) % 4096
    mib = write_mib(folder / "mib" / "a.mib", packed, raw=True, hdr=hdr)
    array = zarr.create_array(folder / "a.zarr", shape=data.shape, dtype="u2", chunks=(1, 5, 6, 8))
    array[...] = data
    big = folder / "big.h5"
    with h5py.File(big, "w") as file:
        file.create_dataset("d", data=data.astype(">u2"), chunks=(1, 1, 6, 8), **hdf5plugin.LZ4())
    return {
        "npy": (folder / "plain.npy", data),
        "bslz4": (one, data),
        "gzip": (boxes, data),
        "mib": (mib, packed.reshape(4, 5, 2, 256)),
        "zarr": (folder / "a.zarr", data),
        "lz4 big-endian": (big, data),
    }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return sources(tmp_path_factory.mktemp("sources"))


class TestEqual:
    """The new file opens with the same scan, type and pixels."""

    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize("name", ["npy", "bslz4", "gzip", "mib", "zarr", "lz4 big-endian"])
    def test_opens_again(self, tmp_path, recorded, name, target):
        path, data = recorded[name]
        told = []

        found = convert(
            open_dataset(path), tmp_path / target, workers=2, told=lambda *at: told.append(at)
        )
        again = open_dataset(tmp_path / target)
        got, times = delivered(again)

        assert again.acquisition.nav_shape == (4, 5)
        assert again.dtype == data.dtype.newbyteorder("=")
        assert (times == 1).all()
        assert (got == data.reshape(got.shape)).all()
        assert again.facts.problems == ()
        assert found.carried + found.decoded == 20
        assert found.missing == found.damaged == 0
        assert told[-1] == (20, 20)

    @pytest.mark.parametrize("name", WRITERS)
    def test_what_others_write(self, tmp_path, name):
        data = counts((20,), (6, 6), "u1" if name == "blo" else "u2")
        data_set = open_dataset(WRITERS[name](tmp_path, data), nav_shape=(4, 5), sync_offset=3)

        convert(data_set, tmp_path / "out.nxs")
        got, times = delivered(open_dataset(tmp_path / "out.nxs"))

        assert times.tolist() == [1] * 17 + [0] * 3
        assert (got[:17] == data[3:]).all()

    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize(
        "how",
        [
            {"scan_order": "snake"},
            {"nav_shape": (4, 4), "flyback": 1},
            {"nav_shape": (2, 5), "frames_per_position": 2},
            {"nav_shape": (4, 5), "positions": np.random.default_rng(1).permutation(20)},
        ],
    )
    def test_scans_in_other_orders(self, tmp_path, recorded, how, target):
        for name in ("npy", "bslz4", "gzip"):
            data_set = open_dataset(recorded[name][0], **how)
            expected, _ = delivered(data_set)

            convert(data_set, tmp_path / target, overwrite=True)
            got, times = delivered(open_dataset(tmp_path / target))

            assert (times == 1).all()
            assert (got == expected).all()


class TestCarried:
    """Encoded frames and chunks are the same bytes in the new file."""

    def test_frames_of_a_series(self, tmp_path):
        data = counts((12,), (6, 8))
        data[:, 2, 3] = 65535
        master = write_series(tmp_path, data, 5, ntrigger=3)
        with h5py.File(master, "r+") as file:
            mask = file["/entry/instrument/detector/detectorSpecific/pixel_mask"]
            mask[0, 1] = 1
        before = open_dataset(master)

        found = convert(before, tmp_path / "out.h5")
        again = open_dataset(tmp_path / "out.h5")

        assert (found.carried, found.decoded) == (12, 0)
        assert again.acquisition.nav_shape == (3, 4)
        assert again.acquisition.mask.sentinel == 65535
        assert again.acquisition.mask.excluded[0, 1]
        name = "instrument/detector/count_time"
        assert again.acquisition.metadata[name] == before.acquisition.metadata[name]
        assert (sums(again) == sums(before)).all()
        assert sums(again)[2, 3] == 0
        with (
            h5py.File(tmp_path / "scan_data_000002.h5") as old,
            h5py.File(tmp_path / "out.h5") as new,
        ):
            assert (
                new["/entry/data/data"].id.read_direct_chunk((1, 2, 0, 0))
                == old["/entry/data/data"].id.read_direct_chunk((1, 0, 0))
            )  # fmt: skip

    def test_chunks_of_an_array(self, tmp_path, recorded):
        found = convert(open_dataset(recorded["gzip"][0]), tmp_path / "out.h5")

        assert (found.carried, found.decoded) == (20, 0)
        with h5py.File(recorded["gzip"][0]) as old, h5py.File(tmp_path / "out.h5") as new:
            places, stored = chunk_index(old["d"])
            for place in places.tolist():
                assert (
                    new["/entry/data/data"].id.read_direct_chunk(tuple(place))
                    == old["d"].id.read_direct_chunk(tuple(place))
                )  # fmt: skip
            assert (new["/entry/data/data"][...] == old["d"][...]).all()
            assert len(stored) == 8

    @pytest.mark.parametrize("target", TARGETS)
    def test_missing_frames(self, tmp_path, target):
        data = counts((12,), (6, 8))
        master = write_series(tmp_path, data, 4, ntrigger=3)
        (tmp_path / "scan_data_000002.h5").unlink()

        found = convert(open_dataset(master), tmp_path / target)
        got, times = delivered(open_dataset(tmp_path / target))

        assert found.missing == 4
        kept = [1] * 4 + [0 if target == "out.h5" else 1] * 4 + [1] * 4
        assert times.tolist() == kept
        assert (got[:4] == data[:4]).all()
        assert not got[4:8].any()
        assert (target == "out.h5") != ("4 positions without a frame are zero" in found.notes)

    @pytest.mark.parametrize("target", TARGETS)
    def test_a_damaged_frame_is_no_frame(self, tmp_path, target):
        data = counts((2, 6), (16, 16))
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            made = file.create_dataset("d", data=data, chunks=(1, 1, 16, 8), compression="gzip")
            place = made.id.get_chunk_info_by_coord((0, 2, 0, 8)).byte_offset
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"\0" * 8)
        data_set = open_dataset(path, scan_order="snake")  # not the order of the chunks

        found = convert(data_set, tmp_path / target)

        assert (found.decoded, found.damaged) == (11, 1)
        got, _ = delivered(open_dataset(tmp_path / target))
        assert not got[2].any()
        assert (got[[1, 3]] == data[0, [1, 3]]).all()


class TestDress:
    """What other programs look for in the HDF5 file."""

    def test_nexus(self, tmp_path, recorded):
        convert(open_dataset(recorded["bslz4"][0]), tmp_path / "out.h5")

        with h5py.File(tmp_path / "out.h5") as file:
            frames = file[file.attrs["default"]][file["entry"].attrs["default"]]
            assert frames.attrs["NX_class"] == "NXdata"
            signal = frames[frames.attrs["signal"]]
            assert signal.shape == (4, 5, 6, 8)
            for name, length in zip(frames.attrs["axes"], signal.shape, strict=True):
                assert frames[name].shape == (length,)
                assert frames[name].attrs["units"] == "px"


class TestRefused:
    """What cannot be done is said before anything is written."""

    @pytest.mark.parametrize("target", TARGETS)
    def test_what_is_there_stays(self, tmp_path, recorded, target):
        data_set = open_dataset(recorded["npy"][0])
        convert(data_set, tmp_path / target)

        with pytest.raises(DataError, match="exists already"):
            convert(data_set, tmp_path / target)

        convert(data_set, tmp_path / target, overwrite=True)
        assert sorted(os.listdir(tmp_path)) == [target]

    def test_the_recording_itself(self, recorded):
        for name, place in (("npy", "plain.npy"), ("bslz4", "one.h5"), ("zarr", "a.zarr")):
            path, _ = recorded[name]
            with pytest.raises(DataError, match="part of the recording itself"):
                convert(open_dataset(path), path.parent / place, overwrite=True)

    def test_words(self, tmp_path, recorded):
        data_set = open_dataset(recorded["npy"][0])

        with pytest.raises(ParameterError, match=r"suffix '\.tif' tells no form"):
            convert(data_set, tmp_path / "a.tif")
        with pytest.raises(ParameterError, match="did you mean 'zarr'"):
            convert(data_set, tmp_path / "a", form="zar")
        with pytest.raises(DataError, match="does not exist"):
            convert(data_set, tmp_path / "nowhere" / "a.npy")
        (tmp_path / "mine").mkdir()
        with pytest.raises(DataError, match="is no Zarr array"):
            convert(data_set, tmp_path / "mine", form="zarr", overwrite=True)

    def test_repair_needs_a_mask_to_stay(self, tmp_path):
        master = write_series(tmp_path, counts((4,), (6, 8)), 4)
        with pytest.raises(ParameterError, match="keeps no pixel mask"):
            convert(open_dataset(master, masked="repair"), tmp_path / "a.npy")

    @pytest.mark.parametrize("target", TARGETS)
    def test_nothing_stays_behind_when_it_fails(self, tmp_path, recorded, target):
        (tmp_path / "in").mkdir()
        (tmp_path / "out").mkdir()
        source = tmp_path / "in" / "plain.npy"
        source.write_bytes(recorded["npy"][0].read_bytes())
        data_set = open_dataset(source)
        source.write_bytes(b"another file by now")

        with pytest.raises(DataError, match="has changed since"):
            convert(data_set, tmp_path / "out" / target)

        assert os.listdir(tmp_path / "out") == []


class TestCommand:
    """``framefold convert``."""

    def test_tells_what_it_did(self, tmp_path, recorded):
        target = tmp_path / "out.h5"

        said = called("convert", str(recorded["bslz4"][0]), str(target), "--json")
        refused = called("convert", str(recorded["bslz4"][0]), str(target))
        text = called("convert", str(target), str(tmp_path / "o"), "--to", "npy", "--nav", "20")

        assert said.code == 0, said.err
        assert json.loads(said.out)["carried"] == 20
        assert refused.code == 1
        assert "exists already" in refused.err
        assert "20 frames decoded" in text.out
        assert np.load(tmp_path / "o").shape == (20, 6, 8)
