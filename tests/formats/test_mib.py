"""Merlin recordings: every form of frames, files of one series, scans, and damage."""

from __future__ import annotations

import contextlib
import hashlib
import json

import numpy as np
import pytest

from framefold.api import Context
from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats import inspect_file, open_dataset
from merlin_files import frame, write_hdr, write_mib
from recordings_for_tests import counts, delivered

TRUTHS = [
    ("001_4x2_6bit", "001_4x2_6bit"),
    ("002_merlin_test_roi_sig256x128_nav4x2_hot_pixel_52x_39y", "002_4x2_roi128"),
    ("Quad_1_Frame_CounterDepth_12_Rows_256", "Quad_1_12bit"),
    ("Quad_1_Frame_CounterDepth_1_Rows_256RAW", "Quad_1_1bit_RAW"),
    ("Quad_1_Frame_CounterDepth_6_Rows_256", "Quad_1_6bit"),
    ("Single_9_Frame_CounterDepth_12_Rows_256", "Single_9_12bit"),
    ("Single_9_Frame_CounterDepth_1_Rows_256", "Single_9_1bit_U08"),
    ("Single_9_Frame_CounterDepth_1_Rows_256RAW", "Single_9_1bit_RAW"),
]


@pytest.mark.recordings
@pytest.mark.parametrize(("stem", "array"), TRUTHS)
class TestTruth:
    """Real recordings give what other libraries found in them."""

    @pytest.mark.parametrize("suffix", [".mib", ".hdr"])
    def test_as_data_set(self, recordings, stem, array, suffix):
        folder = recordings / "merlin_mib"
        truth = json.loads((folder / "truth.json").read_text())["arrays"][array]

        data_set = Context.inline().load("auto", path=folder / (stem + suffix))
        got, times = delivered(data_set)

        assert tuple(data_set.shape) == tuple(truth["shape"])
        assert data_set.dtype == np.dtype(truth["dtype"])
        assert (times == 1).all()
        assert got.sum(axis=(1, 2), dtype="i8").tolist() == truth["per_frame_sum"]
        little = got.astype(got.dtype.newbyteorder("<"))
        assert hashlib.sha256(little.tobytes()).hexdigest() == truth["sha256_array_le_c"]

    def test_inspected_without_problems(self, recordings, stem, array):
        found = inspect_file(recordings / "merlin_mib" / f"{stem}.mib")

        assert (found.format, found.problems) == ("mib", ())
        assert found.frames_found == found.frames_promised


class TestForms:
    """Pixels of every type and layout."""

    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
    def test_plain_pixels_are_big_endian(self, tmp_path, dtype):
        data = counts((6,), (4, 8), dtype)
        path = write_mib(tmp_path / "a.mib", data)

        data_set = open_dataset(path)

        assert data_set.dtype == np.dtype(dtype)
        assert (delivered(data_set)[0] == data).all()

    @pytest.mark.parametrize(("depth", "dtype"), [(1, "u1"), (6, "u1"), (12, "u2"), (24, "u4")])
    @pytest.mark.parametrize("layout", ["1x1", "2x2", "2x2G"])
    def test_packed_pixels(self, tmp_path, depth, dtype, layout):
        gap = 2 if layout == "2x2G" else 0
        sig = (256, 256) if layout == "1x1" else (512 + gap, 512 + gap)
        data = np.random.default_rng(3).integers(0, 2**depth, (3, *sig)).astype(dtype)
        data[:, 256 : 256 + gap] = 0
        data[:, :, 256 : 256 + gap] = 0
        path = write_mib(tmp_path / "a.mib", data, raw=True, depth=depth, layout=layout)

        data_set = open_dataset(path)

        assert data_set.dtype == np.dtype(dtype)
        assert (delivered(data_set)[0] == data).all()

    def test_depth_of_packed_pixels_from_the_hdr_file(self, tmp_path):
        data = counts((3,), (256, 256), "u1") % 64
        path = write_mib(
            tmp_path / "a.mib", data, raw=True, depth=6, extension=False,
            hdr={"Counter_Depth": 6},
        )  # fmt: skip

        assert (delivered(open_dataset(path))[0] == data).all()

        (tmp_path / "a.hdr").unlink()
        with pytest.raises(DataError, match=r"\.hdr"):
            open_dataset(path)

    def test_upside_down(self, tmp_path):
        data = counts((6,), (4, 8))
        path = write_mib(tmp_path / "a.mib", data)

        data_set = open_dataset(path, flip_y=True)

        assert (delivered(data_set)[0] == data[:, ::-1]).all()
        assert data_set.acquisition.metadata["flip_y"] is True


class TestSeries:
    """Files of one recording are read in the order of their frames."""

    @pytest.mark.parametrize("named", ["a_1.mib", "a_2.mib", "a_10.mib", "a.hdr"])
    def test_any_of_them_stands_for_all(self, tmp_path, named):
        data = counts((12,), (4, 8))
        write_mib(tmp_path / "a_2.mib", data[:5], first=7)
        write_mib(tmp_path / "a_10.mib", data[5:9], first=12)
        write_mib(tmp_path / "a_1.mib", data[9:], first=16)
        write_hdr(tmp_path / "a.hdr", ScanX=4, ScanY=3, Frames_in_Acquisition=12)

        data_set = open_dataset(tmp_path / named)

        assert data_set.acquisition.nav_shape == (3, 4)
        assert data_set.facts.problems == ()
        assert (delivered(data_set)[0] == data).all()

    def test_one_alone(self, tmp_path):
        data = counts((12,), (4, 8))
        write_mib(tmp_path / "a_1.mib", data[:5])
        write_mib(tmp_path / "a_2.mib", data[5:], first=6)

        data_set = open_dataset(tmp_path / "a_2.mib", disable_glob=True, nav_shape=7)

        assert (delivered(data_set)[0] == data[5:]).all()

    @pytest.mark.parametrize("other", [{"first": 3}, {"first": 9, "shape": (8, 4)}])
    def test_other_recordings_are_left_alone(self, tmp_path, other):
        data = counts((5,), (4, 8))
        write_mib(tmp_path / "a_1.mib", data)
        write_mib(
            tmp_path / "a_2.mib", counts((5,), other.get("shape", (4, 8))), first=other["first"]
        )
        (tmp_path / "a_3.mib").write_bytes(b"")

        data_set = open_dataset(tmp_path / "a_1.mib")

        assert data_set.frames == 5
        assert (delivered(data_set)[0] == data).all()

    def test_hdr_without_its_recording(self, tmp_path):
        write_hdr(tmp_path / "a.hdr", ScanX=4)

        with pytest.raises(DataError, match=r"no a\.mib"):
            open_dataset(tmp_path / "a.hdr")


class TestScan:
    """The scan follows from what the recording says of it."""

    @pytest.mark.parametrize(
        ("frames", "hdr", "shape", "flyback", "words"),
        [
            (12, {"ScanX": 4, "ScanY": 3}, (3, 4), 0, "ScanX 4 and ScanY 3"),
            (15, {"ScanX": 4, "ScanY": 3}, (3, 4), 1, "flyback"),
            (14, {"ScanX": 4, "ScanY": 3}, (3, 4), 1, "flyback"),
            (24, {"ScanX": 4, "ScanY": 3}, (2, 3, 4), 0, "2 times"),
            (13, {"ScanX": 4, "ScanY": 3}, (3, 4), 0, "1 frames are left over"),
            (9, {"ScanX": 4, "ScanY": 3}, (3, 4), 0, "ScanX"),
            (12, {"Frames_per_Trigger": 6}, (2, 6), 0, "2 triggers of 6"),
            (16, {"Trigger_Start": "Internal"}, (16,), 0, "triggered by the readout"),
            (16, {"Trigger_Start": "Rising Edge"}, (4, 4), 0, "square"),
            (16, None, (4, 4), 0, "square"),
        ],
    )
    def test_from_the_hdr_file(self, tmp_path, frames, hdr, shape, flyback, words):
        path = write_mib(tmp_path / "a.mib", counts((frames,), (2, 8)), hdr=hdr)

        data_set = open_dataset(path)

        scan = data_set.acquisition.scan
        assert (scan.shape, scan.flyback) == (shape, flyback)
        assert words in data_set.facts.nav_reason

    def test_flyback_frames_have_no_position(self, tmp_path):
        data = counts((15,), (2, 8))
        path = write_mib(tmp_path / "a.mib", data, hdr={"ScanX": 4, "ScanY": 3})

        got, _ = delivered(open_dataset(path))

        assert (got == data.reshape(3, 5, 2, 8)[:, :4].reshape(12, 2, 8)).all()

    @pytest.mark.parametrize("first", [5, 3, 0])
    def test_long_exposures_are_those_of_flyback(self, tmp_path, first):
        shutters = np.full(36, 1000000)
        shutters[first::6] = 9000000
        path = write_mib(tmp_path / "a.mib", counts((36,), (2, 8)), shutters_ns=shutters)

        scan = open_dataset(path).acquisition.scan

        lead_in = (first + 1) % 6
        assert (scan.shape[1], scan.flyback, scan.lead_in) == (5, 1, lead_in)
        assert scan.shape[0] == (36 - lead_in + 1) // 6

    def test_pauses_stand_between_lines(self, tmp_path):
        steps = np.full(24, 100000)
        steps[::6] += 30000
        moments = np.cumsum(steps) + 86399999000000  # over midnight
        path = write_mib(tmp_path / "a.mib", counts((24,), (2, 8)), times_ns=moments)

        data_set = open_dataset(path)

        assert data_set.acquisition.nav_shape == (4, 6)
        assert data_set.facts.nav_confidence == "high"
        assert "pause behind each 6" in data_set.facts.nav_reason

    def test_clocks_that_merely_jitter_say_nothing(self, tmp_path):
        steps = 100000 + np.random.default_rng(2).integers(-900, 900, 24)
        path = write_mib(tmp_path / "a.mib", counts((24,), (2, 8)), times_ns=np.cumsum(steps))

        assert open_dataset(path).acquisition.nav_shape == (24,)

    def test_what_the_user_says_wins(self, tmp_path):
        path = write_mib(tmp_path / "a.mib", counts((15,), (2, 8)), hdr={"ScanX": 4, "ScanY": 3})

        scan = open_dataset(path, nav_shape=(5, 3)).acquisition.scan

        assert (scan.shape, scan.flyback) == ((5, 3), 0)


class TestDamage:
    """What is lacking or damaged costs its positions and is named."""

    def test_dropped_frames_leave_their_positions_missing(self, tmp_path):
        data = counts((12,), (2, 8))
        kept = [0, 1, 2, 5, 6, 10, 11]
        numbers = [i + 1 for i in kept]
        path = write_mib(
            tmp_path / "a.mib", data[kept], numbers=numbers, hdr={"ScanX": 4, "ScanY": 3}
        )

        data_set = open_dataset(path)
        got, times = delivered(data_set)

        assert np.flatnonzero(times).tolist() == kept
        assert (got[kept] == data[kept]).all()
        assert "5 frames are missing in between" in data_set.facts.problems[0]

    @pytest.mark.parametrize("numbers", [[1, 1, 1, 1], [4, 3, 2, 1], [1, 2, 3, 999999999]])
    def test_numbers_that_make_no_sense(self, tmp_path, numbers):
        data = counts((4,), (2, 8))
        path = write_mib(tmp_path / "a.mib", data, numbers=numbers)

        data_set = open_dataset(path, nav_shape=4)

        assert (delivered(data_set)[0] == data).all()
        assert "make no sense" in data_set.facts.problems[0]

    def test_cut_off(self, tmp_path):
        data = counts((6,), (2, 8))
        path = write_mib(tmp_path / "a.mib", data, hdr={"Frames_in_Acquisition": 6})
        path.write_bytes(path.read_bytes()[:-5])

        data_set = open_dataset(path, nav_shape=6)

        assert delivered(data_set)[1].tolist() == [1] * 5 + [0]
        assert "cut off" in data_set.facts.problems[0]
        assert "1 of 6 announced" in data_set.facts.problems[1]

    def test_a_damaged_header_costs_its_frame(self, tmp_path):
        data = counts((6,), (2, 8))
        path = write_mib(tmp_path / "a.mib", data)
        content = bytearray(path.read_bytes())
        content[2 * (384 + 32)] ^= 0xFF
        path.write_bytes(content)

        with Context.inline() as context:
            sums = context.map(open_dataset(path, nav_shape=6), np.sum)

        assert sums.valid_mask.tolist() == [True, True, False, True, True, True]
        assert sums.data[[0, 1, 3, 4, 5]].tolist() == data[[0, 1, 3, 4, 5]].sum((1, 2)).tolist()

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            (b",00384,", b",99999,", "damaged"),
            (b",00384,", b",00002,", "damaged"),
            (b",00384,", b",-0384,", "offset"),
            (b",0008,", b",0000,", "damaged"),
            (b",0008,", b",9999,", "holds no frame"),
            (b"U16", b"U01", "U08"),
            (b"U16", b"R64", "whole chips"),
            (b",12,\0", b",13,\0", "no frame|whole chips|13"),
        ],
    )
    def test_headers_that_lie(self, tmp_path, old, new, words):
        path = write_mib(tmp_path / "a.mib", counts((6,), (2, 8)))
        content = path.read_bytes()
        if b"13" in new:
            content = content.replace(b"U16", b"R64")
        path.write_bytes(content.replace(old, new))

        with pytest.raises(DataError, match=words):
            open_dataset(path)

    def test_random_damage_is_never_a_crash(self, tmp_path):
        content = write_mib(tmp_path / "a.mib", counts((9,), (2, 8))).read_bytes()
        rng = np.random.default_rng(11)
        for i in range(200):
            damaged = bytearray(content)
            for at in rng.integers(0, 440, 2):
                damaged[at] = rng.integers(256)
            if i % 4 == 0:
                del damaged[rng.integers(len(damaged)) :]
            path = tmp_path / "b.mib"
            path.write_bytes(damaged)
            found = inspect_file(path)
            found.as_text()
            assert found.is_readable or found.problems
            if found.is_readable and found.frames_promised < 1000:
                with contextlib.suppress(UndecodableFrames):
                    delivered(open_dataset(path))

    def test_a_frame_alone_in_two_bytes(self, tmp_path):
        (tmp_path / "a.mib").write_bytes(frame(counts((), (2, 8)), 1)[:50])

        assert not inspect_file(tmp_path / "a.mib").is_readable
