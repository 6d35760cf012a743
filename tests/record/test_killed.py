"""Whatever kills whoever records, and whenever: what was acknowledged as written is there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from framefold import Context, SumSigUDF
from framefold.formats import recording_names as names
from framefold.formats.unfinished import patches
from framefold.record.repair import repair
from record.writing_until_killed import frames, order

assert hdf5plugin.FILTERS  # importing it makes the filters known
PROGRAM = Path(__file__).with_name("writing_until_killed.py")
MOMENTS = int(os.environ.get("FRAMEFOLD_KILLS", "3"))
"""How often it is killed; by hand rather 50 times."""


def killed_after(seconds: float, folder: Path) -> int:
    """Have the program write, kill it after a while; how many frames it had acknowledged."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(seconds)
        program.kill()
        said = program.stdout.read()
    lines = said.splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    return int(whole[-1]) if whole else 0


class TestKilled:
    """SIGKILL at random moments."""

    @pytest.mark.parametrize("moment", range(MOMENTS))
    def test_what_was_safe_is_there(self, moment, tmp_path):
        seconds = float(np.random.default_rng((moment, 77)).uniform(0.0, 0.6))
        safe = killed_after(seconds, tmp_path)
        master = tmp_path / "killed_master.h5"
        wanted = frames()
        done = order()[:safe]

        # as it was left, with a reader that follows a writer; where a page of the index was cut in
        # two, HDF5 would wait for the rest of it, for hours
        if not any(len(patches(path)) > 1 for path in tmp_path.glob("*_data_*.h5")):
            with h5py.File(master, "r", libver="latest", swmr=True) as file:
                for position in done[-3:]:
                    entry = file[f"entry/data/{names.data_name(position // 7000)}"]
                    assert (entry[position % 7000] == wanted[position]).all()
        with Context.inline() as ctx:
            dataset = ctx.load(master) if safe else None
            for position in done[-3:]:
                at = divmod(int(position), dataset.acquisition.nav_shape[1])
                assert (ctx.frame(dataset, at) == wanted[position]).all()
        found = repair(master)

        # and finished, with any reader
        assert found is not None
        assert found >= safe
        with h5py.File(master, "r") as file:
            assert file[names.OURS].attrs[names.STATE] == names.INTERRUPTED
            if safe:
                data = file["entry/data/data"][()].reshape(wanted.shape)
                assert (data[done] == wanted[done]).all()
                present = file["entry/data/present"][()].ravel() == 1
                assert present[done].all()
                # nothing is there that was not written
                assert (data[present] == wanted[present]).all()
                assert not data[~present].any()
        assert repair(master) is None

    def test_as_it_was_left_through_our_reader(self, tmp_path):
        safe = killed_after(0.3, tmp_path)
        wanted = frames().reshape(len(frames()), -1).sum(axis=1)
        with Context.inline() as ctx:
            dataset = ctx.load(tmp_path / "killed_master.h5")
            result = ctx.run_udf(dataset, SumSigUDF())["intensity"]
        found = result.data.ravel()

        assert dataset.facts.frames_found >= safe
        assert any("framefold repair" in problem for problem in dataset.facts.problems)
        done = order()[:safe]
        assert (found[done] == wanted[done]).all()
