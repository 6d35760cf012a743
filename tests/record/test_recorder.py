"""A recording that fails says so, and gives every block back."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumUDF
from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.core.losses import Losses
from framefold.core.reader import Ending
from framefold.core.scan import Scan
from framefold.record import data_file
from framefold.record.recorder import Recorder
from framefold.record.settings import RecordingSettings

SIG = (4, 6)


@dataclass
class MadeUpBlock:
    """A block of raw frames whose pixels are their position."""

    ident: int
    positions: Any
    sealed: float = 0.0

    @contextmanager
    def open(self):
        yield self

    def encoded(self):
        for position in self.positions.tolist():
            pixels = np.full(SIG, position, "<u2")
            yield position, memoryview(pixels.tobytes()), Encoding("raw")


def acquisition(nav=(5, 8)):
    return Acquisition("it", "nowhere", Scan(nav), SIG, np.dtype("u2"), metadata={"series": "s"})


def block(ident: int) -> Any:
    return MadeUpBlock(ident, np.arange(ident * 8, ident * 8 + 8))


ENDING = Ending(True, "all positions received", Losses(received=40))


class Told:
    """What a recorder tells."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.states: list[Any] = []

    def __call__(self, verb: str, fact: Any) -> None:
        (self.written if verb == "written" else self.states).append(fact)

    @property
    def state(self) -> Any:
        return self.states[-1]


def recorder(folder: Path, told: Told, free: Any = 1 << 40, **settings: Any) -> Recorder:
    made = RecordingSettings(str(folder), flush_seconds=0.0, **settings)
    return Recorder(made, told, free if callable(free) else lambda _: free)


class TestRecorder:
    """Blocks in, files out."""

    def test_all_well(self, tmp_path):
        told = Told()
        one = recorder(tmp_path / "new", told)
        one.begin(acquisition())
        for i in (3, 1, 0, 4, 2):
            one.write(block(i))
            assert told.state.safe == told.state.frames
        one.end(ENDING)

        assert told.written == [3, 1, 0, 4, 2]
        assert (told.state.state, told.state.frames) == ("complete", 40)
        with h5py.File(told.state.file) as file:
            assert (file["entry/data/data"][()][..., 0, 0].ravel() == np.arange(40)).all()
            assert file["entry/framefold/losses/received"][()] == 40
            assert file["entry/data"].attrs["signal"] == "data"
            assert file["entry"].attrs["NX_class"] == "NXentry"

    def test_estimate_learns_from_the_last_one(self, tmp_path):
        told = Told()
        one = recorder(tmp_path, told)
        one.begin(acquisition())
        assert told.state.needed_bytes == 40 * (48 + 64)
        one.end(ENDING)
        assert told.state.frames == 0

    def test_too_little_room_at_the_start(self, tmp_path):
        told = Told()
        one = recorder(tmp_path, told, free=100, min_free_bytes=1000)
        one.begin(acquisition())
        one.write(block(0))
        one.end(ENDING)

        assert told.written == [0]
        assert told.state.state == "stopped"
        assert "min_free_gib" in told.state.reason
        assert not list(tmp_path.iterdir())

    def test_disk_becomes_full(self, tmp_path):
        told, room = Told(), [2000, 2000, 2000, 500]
        one = recorder(tmp_path, told, lambda _: room.pop(0) if room[1:] else room[0],
                       min_free_bytes=1000)  # fmt: skip
        one.begin(acquisition())
        for i in range(5):
            one.write(block(i))
        one.end(ENDING)

        assert told.written == [0, 1, 2, 3, 4]
        assert told.state.state == "stopped"
        assert 0 < told.state.frames < 40
        with h5py.File(told.state.file) as file:
            data = file["entry/data/data"][()][..., 0, 0].ravel()
            assert data[: told.state.frames].tolist() == list(range(told.state.frames))
            assert file["entry/framefold"].attrs["state"] == "stopped"

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), RuntimeError("no space")])
    def test_write_fails(self, tmp_path, monkeypatch, error):
        """And the next acquisition is tried again."""
        told, calls = Told(), []
        write = data_file.DataFile.write

        def failing(self, position, *more):
            calls.append(position)
            if len(calls) > 12:
                raise error
            write(self, position, *more)

        monkeypatch.setattr(data_file.DataFile, "write", failing)
        one = recorder(tmp_path, told)
        one.begin(acquisition())
        for i in range(5):
            one.write(block(i))
        one.end(ENDING)
        assert told.written == [0, 1, 2, 3, 4]
        assert (told.state.state, told.state.frames) == ("stopped", 12)
        assert "no space" in told.state.reason
        monkeypatch.setattr(data_file.DataFile, "write", write)
        one.begin(acquisition())
        one.write(block(0))
        one.end(ENDING)

        assert (told.state.state, told.state.frames) == ("complete", 8)

    def test_folder_cannot_be_made(self, tmp_path):
        (tmp_path / "file").touch()
        told = Told()
        one = recorder(tmp_path / "file" / "folder", told)
        one.begin(acquisition())
        one.write(block(0))
        assert told.written == [0]
        assert "could not be begun" in told.state.reason


class TestFull:
    """HDF5 itself, when no file may grow any more."""

    def test_what_was_safe_is_there(self, tmp_path):
        program = Path(__file__).with_name("writing_until_full.py")
        path = os.pathsep.join([str(program.parents[1]), *filter(None, sys.path)])
        said = subprocess.run(
            [sys.executable, str(program), str(tmp_path)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        found = json.loads(said)

        assert found["given_back"] == 500
        assert found["last"]["state"] == "stopped"
        assert "File too large" in found["last"]["reason"]
        assert found["safe"] > 100
        with h5py.File(found["last"]["file"]) as file:
            data = file["entry/data/data"][()][..., 0, 0].ravel()
            assert (data[: found["safe"]] == np.arange(found["safe"])).all()
            assert file["entry/data/present"][()].ravel()[: found["safe"]].all()


class TestBesideProcessing:
    """What happens to a run when its recording does not go well, and the other way round."""

    def scan(self):
        return np.random.default_rng(4).poisson(3, (5, 7, 16, 24)).astype(np.uint16)

    def test_recorder_killed(self, workers, detector, tmp_path):
        data = self.scan()
        sender = detector(wire(data), rate=100)
        with (
            workers.recording(tmp_path, flush_seconds=0.0) as recording,
            workers.stream(sender.endpoint, nav_shape=(5, 7), frames_per_block=2) as stream,
        ):
            first = recording.reader(stream.next_reader())
            os.kill(recording.pid, signal.SIGKILL)
            result = workers.run_udf(first, SumUDF())["intensity"].data
            first.join()
            state = recording.state
            assert first.ending().complete

        assert (result == data.sum(axis=(0, 1))).all()
        assert state.state == "stopped"
        assert "SIGKILL" in state.reason

    def test_processing_given_up(self, workers, detector, tmp_path):
        """The recording goes on to the end of the acquisition."""
        data = self.scan()
        sender = detector(wire(data), rate=200)
        with (
            workers.recording(tmp_path) as recording,
            workers.stream(sender.endpoint, nav_shape=(5, 7), frames_per_block=2) as stream,
        ):
            reader = recording.reader(stream.next_reader())
            for _ in workers.run_udf_iter(reader, SumUDF()):
                break
            reader.join()
            state = recording.state

        assert (state.state, state.safe) == ("complete", 35)
        with h5py.File(state.file) as file:
            assert (file["entry/data/data"][()] == data).all()
