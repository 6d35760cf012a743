"""Results of a live run beside the recording of its frames."""

from __future__ import annotations

import json

import numpy as np

from e2e.served import Bench, serving
from framefold import SumUDF
from framefold.formats import open_dataset
from framefold.representations.hdf5 import PROVENANCE
from framefold.representations.result_file import channels, opened

NAV, SIG = (6, 8), (16, 24)
PIPELINE = [{"name": "total", "udf": "sum", "params": {"dtype": "u8"}}]


def scan():
    return np.random.default_rng(4).poisson(3, (*NAV, *SIG)).astype("u2")


async def recorded_run(tmp_path, data, **recording):
    """The state of the recording once its files are finished, of a scan that lost two frames."""
    bench = Bench()
    folder = {"enabled": True, "directory": str(tmp_path), "min_free_gib": 0, **recording}
    sections = {"scan": {"nav_shape": list(NAV)}, "recording": folder, "pipeline": PIPELINE}
    async with serving(bench, **sections) as viewer:
        await bench.announce(data)
        await bench.send(0, 10)
        await bench.send(12, 48)
        await bench.end()
        kept = recording.get("results", True)
        state = await (viewer.until_results_kept() if kept else viewer.until_recorded())
    bench.close()
    return state


async def test_they_are_those_of_the_recording(tmp_path, inline):
    data = scan()
    state = await recorded_run(tmp_path, data)
    with opened(state["results"]) as file:
        group = channels(file)["total", "intensity"]
        found = group[group.attrs["signal"]][()]
        told = json.loads(file[PROVENANCE][()])
    again = inline.run_udf(open_dataset(state["file"]), SumUDF(dtype="u8"))

    frames = data.reshape(48, *SIG)
    assert (found == np.delete(frames, [10, 11], axis=0).sum(axis=0)).all()
    assert (found == again["intensity"].data).all()
    assert told["source"] == {"path": state["file"], "state": "aborted", "frames": 46}
    assert told["pipeline"] == PIPELINE


async def test_not_where_they_are_not_wanted(tmp_path):
    state = await recorded_run(tmp_path, scan(), results=False)
    assert state["results"] == ""
    assert not list(tmp_path.glob("*_results.h5"))
