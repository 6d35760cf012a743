"""What framefold records, as data sets like any other."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from e2e.wires import wire
from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.core.pixel_mask import PixelMask
from framefold.core.scan import Scan
from framefold.errors import DataError, ParameterError
from framefold.formats import inspect_file, open_dataset
from framefold.record.master import begin_master, finish_master
from framefold.record.plan import Plan
from framefold.record.repair import repair
from framefold.record.store import FrameStore
from framefold.record.story import Story
from framefold.wirelog import LogWriter
from framefold_simulators.encode import encoded
from recordings_for_tests import delivered
from shared_workers import SharedWorkers


def counts():
    return np.random.default_rng(3).integers(0, 900, (4, 5, 6, 8)).astype("u2")


def record(folder, data, *, lost=(), state="complete", mask=None, per_file=7):
    """A recording as the recorder makes it."""
    nav, sig = data.shape[:2], data.shape[2:]
    known = Acquisition(
        "it", "here", Scan(nav), sig, data.dtype, mask=mask or PixelMask(),
        metadata={"count_time": 0.5, "pixel_size_x": 75e-6, "channels": ("a",)},
    )  # fmt: skip
    plan = Plan(folder, "x", data[..., 0, 0].size, per_file)
    begin_master(plan, known, Story(started=1.0))
    store = FrameStore(plan, data.dtype, sig)
    for i, blob in enumerate(encoded(data.reshape(-1, *sig), "bslz4")):
        if i not in lost:
            store.write(i, memoryview(blob), Encoding("bslz4"), 2.0)
    store.close()
    story = Story(state, "because", 1.0, 2.0, {"received": 20}, store.files, store.present)
    if state != "recording":
        finish_master(plan, nav, story)
    return plan.master


def log(path, messages, level=None):
    with LogWriter(path, {}, level) as writer:
        for parts in messages:
            writer.write(parts, 0, 0)
    return path


class TestRecording(SharedWorkers):
    @pytest.fixture
    def recording(self, tmp_path):
        return record(tmp_path, counts()), counts()


@pytest.mark.parametrize("level", [None, 3])
class TestWireLog(SharedWorkers):
    options = {"nav_shape": (4, 5)}

    @pytest.fixture
    def recording(self, tmp_path, level):
        if level:
            pytest.importorskip("zstandard")
        return log(tmp_path / "a.fflog", wire(counts(), "simplon-v1"), level), counts()


class TestWhatItSays:
    """Losses, masks and states of a recording."""

    def test_lost_frames_stay_missing(self, tmp_path):
        found = open_dataset(record(tmp_path, counts(), lost=(0, 8, 9, 19), state="aborted"))
        frames, times = delivered(found)

        assert np.flatnonzero(times == 0).tolist() == [0, 8, 9, 19]
        assert (frames[times == 1] == counts().reshape(20, 6, 8)[times == 1]).all()
        assert found.facts.problems[0] == "recording aborted: because"
        assert found.acquisition.nav_shape == (4, 5)
        assert found.acquisition.metadata["count_time"] == 0.5

    def test_mask(self, tmp_path):
        excluded = np.zeros((6, 8), bool)
        excluded[2, 3] = True
        master = record(tmp_path, counts(), mask=PixelMask(excluded, 65535, "raw"))
        for masked, wanted in ((None, "raw"), ("zero", "zero")):
            mask = open_dataset(master, masked=masked).acquisition.mask
            assert (mask.excluded == excluded).all()
            assert (mask.sentinel, mask.masked) == (65535, wanted)

    def test_nexus(self, tmp_path):
        with h5py.File(record(tmp_path, counts())) as file:
            assert file["entry/instrument/detector/x_pixel_size"].attrs["units"] == "m"
            assert file["entry/instrument/detector/detectorSpecific/channels"][()] == b'["a"]'
            assert file["entry/instrument/detector/data"].shape == (4, 5, 6, 8)
            assert file["entry/data"].attrs["axes"].tolist() == [
                "scan_y", "scan_x", "detector_y", "detector_x",
            ]  # fmt: skip
            assert file["entry/data/data_000002"].attrs["image_nr_low"] == 8
            assert file["entry/start_time"][()].startswith(b"1970-01-01T00:00:01")

    def test_still_growing(self, tmp_path):
        master = record(tmp_path, counts(), state="recording", lost=range(10, 20))
        found = open_dataset(master)
        assert found.frames == 10
        assert "still being recorded" in found.facts.problems[0]
        assert found.facts.missing_files == ()
        assert repair(master) == 10
        assert open_dataset(master).frames == 10

    def test_missing_data_file(self, tmp_path):
        master = record(tmp_path, counts())
        (tmp_path / "x_data_000002.h5").unlink()
        found = open_dataset(master)
        assert found.facts.missing_files == ("x_data_000002.h5",)
        assert found.frames == 13

    def test_data_file_alone(self, tmp_path):
        """It is read like any DECTRIS data file."""
        record(tmp_path, counts())
        found = open_dataset(tmp_path / "x_data_000001.h5")
        assert found.facts.format == "simplon_h5"
        assert found.frames == 7

    def test_other_hdf5(self, tmp_path):
        with h5py.File(tmp_path / "a_master.h5", "w") as file:
            file["data"] = counts()
        with pytest.raises(DataError, match="no recording of framefold"):
            open_dataset(tmp_path / "a_master.h5", format="recording")
        with pytest.raises(DataError, match="framefold's recordings"):
            repair(tmp_path / "a_master.h5")

    def test_newer_layout(self, tmp_path):
        master = record(tmp_path, counts())
        with h5py.File(master, "r+") as file:
            file["entry/framefold"].attrs["layout"] = 99
        with pytest.raises(DataError, match="newer framefold"):
            open_dataset(master)


class TestLogsWithSeries:
    """Several series in a log, and what ends them."""

    def test_second_series(self, tmp_path):
        other = counts()[::-1].copy()
        messages = [*wire(counts(), number=1), *wire(other, number=2)]
        path = log(tmp_path / "a.fflog", messages)

        first, second = (open_dataset(path, nav_shape=(4, 5), series=n) for n in (0, 1))
        assert (delivered(first)[0].reshape(other.shape) == counts()).all()
        assert (delivered(second)[0].reshape(other.shape) == other).all()
        assert "2 series" in first.facts.problems[0]
        with pytest.raises(DataError, match="no frame of series 2"):
            open_dataset(path, series=2)
        with pytest.raises(ParameterError, match="number of a series"):
            open_dataset(path, series=-1)

    def test_frames_after_the_end(self, tmp_path):
        messages = wire(counts())
        messages.insert(-3, messages.pop())
        found = open_dataset(log(tmp_path / "a.fflog", messages), nav_shape=(4, 5))
        assert found.frames == 17
        assert "after the end" in " ".join(found.facts.problems)

    def test_cut_off(self, tmp_path):
        path = log(tmp_path / "a.fflog", wire(counts()))
        os.truncate(path, path.stat().st_size - 3000)
        found = inspect_file(path, nav_shape=(4, 5))
        assert found.format == "wire_log"
        assert any("not closed" in problem for problem in found.problems)
