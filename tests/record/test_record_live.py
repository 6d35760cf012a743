"""A live acquisition is recorded while it is processed, and the files show the same frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from numpy.typing import NDArray

from e2e.wires import wire
from framefold import SumSigUDF, SumUDF

assert hdf5plugin.FILTERS  # importing it makes the filters known


@pytest.fixture(scope="module")
def scan() -> NDArray[np.uint16]:
    """A small scan."""
    return np.random.default_rng(4).poisson(3, (5, 7, 16, 24)).astype(np.uint16)


def record(ctx: Any, detector: Any, messages: Any, folder: Path, **settings: Any) -> Any:
    """Run with a recording beside; its state and the results."""
    sender = detector(messages)
    with (
        ctx.recording(folder, **settings) as recording,
        ctx.stream(
            sender.endpoint, nav_shape=(5, 7), frames_per_block=3, idle_seconds=1.0
        ) as stream,
    ):
        reader = recording.reader(stream.next_reader())
        results = ctx.run_udf(reader, [SumUDF(), SumSigUDF()])
        reader.join()
        return recording.state, results


class TestRecordedLive:
    """What h5py and hdf5plugin alone show of a recording."""

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
    def test_frames_at_their_positions(
        self, scan, protocol, compression, workers, detector, tmp_path
    ):
        order = np.random.default_rng(1).permutation(35)
        messages = wire(scan, protocol, compression=compression, order=order)
        state, _ = record(workers, detector, messages, tmp_path, file_bytes=10_000)

        assert state.state == "complete", state.reason
        assert (state.frames, state.safe, state.unkept) == (35, 35, 0)
        with h5py.File(state.file) as file:
            assert (file["entry/data/data"][()] == scan).all()
            assert (file["entry/data/present"][()] == 1).all()
            assert np.isfinite(file["entry/data/time"][()]).all()
        assert len(list(tmp_path.glob("*_data_*.h5"))) == 3

    def test_payload_is_kept_as_it_came(self, scan, workers, detector, tmp_path):
        messages = wire(scan, "simplon-v1")
        state, _ = record(workers, detector, messages, tmp_path)
        with h5py.File(state.file) as file:
            frames = file["entry/data/data_000001"]
            for i, parts in enumerate(messages[1:-1]):
                assert frames.id.read_direct_chunk((i, 0, 0))[1] == parts[2]

    def test_read_again(self, scan, workers, detector, tmp_path):
        messages = wire(scan)
        del messages[11]  # frame 10 is lost
        state, live = record(workers, detector, messages, tmp_path, file_bytes=10_000)
        again = workers.load(state.file)
        offline = workers.run_udf(again, [SumUDF(), SumSigUDF()])

        assert state.state == "aborted"
        assert again.facts.format == "recording"
        assert again.facts.frames_found == 34
        for a, b in zip(live, offline, strict=True):
            assert a["intensity"].data.tobytes() == b["intensity"].data.tobytes()
