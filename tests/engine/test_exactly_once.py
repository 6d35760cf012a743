"""Workers are killed at random moments; every block is folded once, and no bit is another."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.made_blocks import MadeReader, reader
from framefold.core.snapshot import RunState
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run
from framefold.processes.launcher import Launcher
from framefold.udf import UDF

BLOCKS = 80
KILLS = 6
APART = 12
"""More than blocks are in line at a time."""


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    with Launcher(("framefold.engine.worker",)) as launcher:
        made = ProcessPool(launcher, 2)
        yield made
        made.close()


class Counted(UDF):
    """What would show a block that is folded twice, never, or in part: floats whose sum depends
    on the order, counts by pixel, a value for each position, results too large for a pipe.

    Where a folder is given, its worker dies at random moments of its own work, once in a block:
    a block that kills twice is set aside.
    """

    DRY_RUN = False
    MERGE_ORDER = "partition"

    def __init__(self, deaths: str = "", seed: int = 0) -> None:
        super().__init__(deaths=deaths, seed=seed)

    def get_result_buffers(self) -> Any:
        return {
            "sum": self.buffer("single", dtype="float32"),
            "counts": self.buffer("sig", dtype="int64"),
            "v": self.buffer("nav", dtype="float64"),
            "large": self.buffer("single", dtype="float32", extra_shape=(4096,)),
        }

    def _may_die(self, moment: int) -> None:
        if not self.params.deaths:
            return
        at = int(self.meta.coordinates[0][0])
        if random.Random(f"{self.params.seed} {at} {moment}").random() > 0.05:
            return
        try:
            Path(self.params.deaths, str(at // 2)).touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def get_task_data(self) -> Any:
        self._may_die(0)
        return {}

    def process_frame(self, frame: NDArray[Any]) -> None:
        value = np.float32(frame[0, 0])
        self.results.sum[:] += np.float32(1) / (value + np.float32(1))
        self.results.counts += 1
        self._may_die(1)
        self.results.v[:] = value
        self.results.large[:] += np.sqrt(value)

    def postprocess(self) -> None:
        self._may_die(2)

    def merge(self, dest: Any, src: Any) -> None:
        for name in ("sum", "counts", "large"):
            getattr(dest, name)[:] += getattr(src, name)
        dest.v[:] = src.v


def results(run: Run, source: MadeReader) -> dict[str, bytes]:
    run.start()
    assert run.join(120)
    assert run.state is RunState.COMPLETE, run.latest.reason
    assert run.fold.folded_blocks == BLOCKS
    assert run.latest.merged == 2 * BLOCKS
    assert sorted(source.released) == sorted(source.handed)
    return {name: one.data.tobytes() for name, one in run.latest.results["c"].items()}


def undisturbed(pool: ProcessPool) -> dict[str, bytes]:
    source = reader(BLOCKS)
    return results(Run(source, {"c": Counted()}, pool), source)


@pytest.mark.parametrize("seed", [1])
def test_deaths_inside_of_the_work(pool, tmp_path, seed):
    """In any hook, and before and after any write."""
    expected = undisturbed(pool)
    before = pool.replaced
    source = reader(BLOCKS)
    run = Run(source, {"c": Counted(str(tmp_path), seed)}, pool)

    assert results(run, source) == expected
    assert pool.replaced - before == len(list(tmp_path.iterdir())) >= 4


@pytest.mark.parametrize("seed", [3])
def test_kills_from_outside(pool, seed):
    """Whatever the worker does at that moment: it reads, works, sends, or waits."""
    expected = undisturbed(pool)
    chosen = random.Random(seed)
    source = reader(BLOCKS)
    run = Run(source, {"c": Counted()}, pool)

    def kill() -> None:
        for at in range(KILLS):
            # so far apart that what was in work the last time is merged: twice sets it aside
            if run.wait_for_blocks(at * APART + chosen.randrange(3)) >= BLOCKS:
                return
            os.kill(chosen.choice(pool.pids()), signal.SIGKILL)

    before = pool.replaced
    killing = threading.Thread(target=kill)
    killing.start()
    found = results(run, source)
    killing.join(30)

    assert found == expected
    assert pool.replaced > before
