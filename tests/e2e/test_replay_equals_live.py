"""Live run, replay of its wire log, of its HDF5 through both protocols, and the files themselves:
the same bits, for every shipped UDF, with and without losses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from e2e.test_live_equals_offline import Results, assert_same, results_of
from e2e.wires import wire
from framefold_simulators.faults import Faults
from framefold_simulators.faulty_series import faulty_images

NAV, SIG = (9, 11), (33, 41)
FAULTS = Faults(drop=0.1, duplicate=0.1, corrupt=0.1, truncate=0.1, seed=4)


@pytest.fixture(scope="module")
def scan() -> NDArray[np.uint16]:
    """A scan of odd sizes, with pixels of the value that means none."""
    data = (np.random.default_rng(11).random((*NAV, *SIG)) ** 6 * 5000).astype(np.uint16)
    data[:, :, 3, 5] = 65535
    return data


def recorded(
    ctx: Any, detector: Any, messages: list[list[bytes]], folder: Path
) -> tuple[Results, str, Path]:
    """A live run; its results, its HDF5 recording and its wire log."""
    sender = detector(messages)
    settings = {"nav_shape": NAV, "frames_per_block": 7, "idle_seconds": 0.5}
    with (
        ctx.recording(folder, file_bytes=100_000) as recording,
        ctx.stream(sender.endpoint, wire_log=folder, **settings) as stream,
    ):
        reader = recording.reader(stream.next_reader())
        results = results_of(ctx, reader, SIG)
        reader.join()
        state = recording.state
    assert state.state in ("complete", "aborted"), state.reason
    (log,) = folder.glob("*.fflog")
    return results, state.file, log


def played(ctx: Any, path: Any, **options: Any) -> Results:
    """The results of a replay through the receiver."""
    with ctx.replay(path, nav_shape=NAV, idle_seconds=0.5, **options) as stream:
        results = results_of(ctx, stream.next_reader(), SIG)
        assert stream.next_reader() is None
    return results


class TestReplayEqualsLive:
    """Whichever way a recording is run again."""

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    @pytest.mark.parametrize("lossy", [False, True])
    def test_every_way(self, scan, protocol, lossy, workers, detector, tmp_path):
        order = np.random.default_rng(3).permutation(99)
        messages = wire(scan, protocol, order=order, header_detail="all")
        if lossy:
            messages[1:-1] = faulty_images(messages[1:-1], FAULTS)
        live, hdf5, log = recorded(workers, detector, messages, tmp_path)

        assert_same(played(workers, log), live)
        for language in ("simplon-v1", "simplon-v2"):
            assert_same(played(workers, hdf5, language=language), live)
        assert_same(played(workers, log, language="simplon-v2"), live)
        assert_same(results_of(workers, workers.load(hdf5), SIG), live)
        assert_same(results_of(workers, workers.load(log, nav_shape=NAV), SIG), live)
