"""Masked pixels of recordings: zero, repaired or as recorded, and counted."""

import cbor2
import h5py
import numpy as np
import pytest

from framefold import Context, PickUDF, SumUDF
from framefold.core.corrections import CorrectionSet
from framefold.errors import ParameterError
from framefold.formats import inspect_file, open_dataset
from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.series import Series
from recordings_for_tests import counts, write_bslz4, write_series

NONE = 65535
LANGUAGES = {"v1": simplon_v1, "v2": simplon_v2}


def scan():
    """Frames with a gap, a masked pixel and one that overflows in a single frame."""
    data = counts((6,), (8, 6)) % 100
    data[:, 3:6] = NONE
    data[:, 0, 1] = NONE
    data[2, 7, 5] = NONE
    return data


def excluded():
    mask = np.zeros((8, 6), "u4")
    mask[3:6] = 1
    mask[0, 1] = 2
    mask[1, 2] = 4  # not marked in the frames
    return mask


def master(folder, mask):
    path = write_series(folder, scan(), 4)
    with h5py.File(path, "r+") as file:
        place = "/entry/instrument/detector/detectorSpecific/pixel_mask"
        del file[place]
        if mask is not None:
            file[place] = mask
    return path


def summed(path, **options):
    with Context.inline() as ctx:
        found = ctx.run_udf(dataset=ctx.load("auto", path=path, **options), udf=SumUDF())
    return found["intensity"].data


class TestZero:
    """Neither the mask's pixels nor the sentinel reach a sum."""

    @pytest.mark.parametrize("mask", [None, excluded()])
    def test_sum(self, tmp_path, mask):
        expected = np.where(scan() == NONE, 0, scan()).sum(axis=0, dtype="u8")
        if mask is not None:
            expected[mask != 0] = 0

        assert (summed(master(tmp_path, mask)) == expected).all()

    def test_raw(self, tmp_path):
        path = master(tmp_path, excluded())

        assert (summed(path, masked="raw") == scan().sum(axis=0, dtype="u8")).all()

    def test_in_the_recorded_type(self, tmp_path):
        with Context.inline() as ctx:
            data_set = ctx.load(master(tmp_path, excluded()), nav_shape=6)
            roi = np.arange(6) == 2
            picked = ctx.run_udf(dataset=data_set, udf=PickUDF(), roi=roi)["intensity"].data[0]

        assert data_set.dtype == picked.dtype == "u2"
        assert (picked == np.where((scan()[2] == NONE) | (excluded() != 0), 0, scan()[2])).all()

    def test_several_frames_at_a_position(self, tmp_path):
        path = master(tmp_path, excluded())
        data = np.where((scan() == NONE) | (excluded() != 0), 0, scan())

        assert (summed(path, frames_per_position=2) == data.sum(axis=0)).all()

    def test_uncompressed_frames_are_not_changed_in_the_file(self, tmp_path):
        path = write_bslz4(tmp_path / "a.h5", scan())
        with h5py.File(path, "w") as file:
            file["/entry/data/data"] = scan()
            file["/entry/data/data"].attrs["image_nr_low"] = 1
        content = path.read_bytes()

        assert summed(path).max() < NONE
        assert path.read_bytes() == content

    def test_tiles_by_hand(self, tmp_path):
        data_set = open_dataset(master(tmp_path, excluded()), nav_shape=6)

        tiles = [tile.data for part in data_set.get_partitions() for tile in part.get_tiles()]

        assert max(tile.max() for tile in tiles) < NONE


class TestRepair:
    """Masked pixels become the mean of their neighbours; what has none stays zero."""

    @pytest.mark.parametrize("mask", [None, excluded()])
    def test_neighbours(self, tmp_path, mask):
        found = summed(master(tmp_path, mask), masked="repair")
        data = np.where(scan() == NONE, 0, scan()).astype("f8")
        # of the first row, without the pixel itself and another that is masked
        near = [data[:, y, x] for y, x in ((0, 0), (0, 2), (1, 0), (1, 1), (1, 2))]
        if mask is not None:
            near.pop()

        assert found.dtype == "f4"
        assert found[0, 1] == pytest.approx(np.mean(near, axis=0).sum(), rel=1e-5)
        assert (found[4] == 0).all()  # the middle of the gap
        assert (found[3] > 0).all()

    def test_given_corrections_win(self, tmp_path):
        with Context.inline() as ctx:
            data_set = ctx.load(master(tmp_path, excluded()), masked="repair")
            found = ctx.run_udf(dataset=data_set, udf=SumUDF(), corrections=CorrectionSet())

        assert found["intensity"].data[0, 1] == 0


class TestTold:
    """What is masked is counted and said."""

    def test_by_the_mask(self, tmp_path):
        found = inspect_file(master(tmp_path, excluded()))

        assert found.masked_pixels == 20
        assert "20 pixels, value 65535 means none; they become 0" in found.as_text()
        assert found.as_dict()["mask"] == found.mask

    def test_by_the_first_frame(self, tmp_path):
        found = inspect_file(master(tmp_path, None), masked="raw")

        assert found.masked_pixels == 19
        assert "they stay as recorded  (19 pixels in the first frame)" in found.as_text()

    def test_a_mask_of_another_shape(self, tmp_path):
        found = inspect_file(master(tmp_path, np.zeros((3, 3), "u4")))

        assert "(3, 3)" in found.problems[0]
        assert found.masked_pixels == 19

    def test_unknown_choice(self, tmp_path):
        with pytest.raises(ParameterError, match="zero"):
            open_dataset(master(tmp_path, None), masked="none")


class TestNexus:
    """The mask of NXmx counts in any HDF5 file; there is no sentinel there."""

    def test_sum(self, tmp_path):
        with h5py.File(tmp_path / "a.nxs", "w") as file:
            file["frames"] = scan()
            file["/entry/instrument/detector/pixel_mask"] = excluded()

        expected = scan().sum(axis=0, dtype="u8")
        expected[excluded() != 0] = 0

        assert (summed(tmp_path / "a.nxs") == expected).all()


class TestStreams:
    """Recorded messages tell the mask in their header."""

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("detail", ["basic", "all"])
    def test_sum(self, tmp_path, language, detail):
        series = Series(
            3, (2, 3), (8, 6), "uint16", header_detail=detail, pixel_mask=excluded()
        )  # fmt: skip
        with (tmp_path / "a").open("wb") as file:
            for parts in LANGUAGES[language].of_stack(series, scan()):
                whole = parts[0][:3] == b"\xd9\xd9\xf7"
                file.write(parts[0] if whole else cbor2.dumps(list(parts)))
        expected = np.where(scan() == NONE, 0, scan()).sum(axis=0, dtype="u8")
        if detail == "all":
            expected[excluded() != 0] = 0

        assert (summed(tmp_path / "a") == expected).all()


@pytest.mark.recordings
class TestRecordings:
    """Real frames: their counts without gaps and masked pixels."""

    @pytest.mark.parametrize(
        ("file", "pixels", "counts"),
        [
            ("eiger_4m_h5_bslz4/bitshuffle.h5", 251_302, 168_427_642),
            ("stream_v2_eiger2_16m/image.cbor", 1_253_075, 13_712),
        ],
    )
    def test_counts(self, recordings, file, pixels, counts):
        assert summed(recordings / file).sum() == counts
        assert inspect_file(recordings / file).masked_pixels == pixels

    def test_flagged_pixels_of_a_simulated_scan(self, recordings, tmp_path):
        folder = recordings / "abtem_mos2"
        truth = np.load(folder / "mos2_4dstem_truth.npz")
        flagged = truth["flagged_pixels"]
        with h5py.File(folder / "mos2_4dstem.h5") as file:
            data = file["/entry/data/data"][:8].reshape(-1, 128, 128)
        marked = data.copy()
        marked[:, flagged] = 255
        with h5py.File(write_bslz4(tmp_path / "a.h5", marked), "r+") as file:
            file["/entry/data/data"].attrs["image_nr_low"] = 1
        expected = data.sum(axis=0, dtype="u8")
        expected[flagged] = 0

        assert (summed(tmp_path / "a.h5") == expected).all()
