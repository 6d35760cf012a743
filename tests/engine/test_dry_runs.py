"""Mistakes of UDFs are heard of before the first block is drawn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.made_blocks import HeldUp, Misspelt, Objects, Values, reader
from framefold.analyses.sum import SumUDF
from framefold.core.snapshot import RunState
from framefold.engine.pool import InlinePool, Pool
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run, check_failed
from framefold.errors import MissingNameError
from framefold.processes.launcher import Launcher


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessPool]:
    """Two workers for the tests of this module."""
    with Launcher(("framefold.engine.worker",)) as launcher:
        made = ProcessPool(launcher, 2)
        yield made
        made.close()


@pytest.fixture(params=["inline", "processes"])
def pool(request: pytest.FixtureRequest, workers: ProcessPool) -> Pool:
    return InlinePool() if request.param == "inline" else workers


def finished(run: Run, pool: Pool) -> Run:
    if pool.in_this_thread:
        try:
            for _ in run.steps():
                pass
        except MissingNameError:
            assert run.error is not None
    else:
        run.start()
    assert run.join(60)
    return run


class DiesOnOnes(Values):
    """Ends its process when all pixels are 1, as a fault in somebody's library might."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        if (frame == 1).all() and self.meta.coordinates[0, 0] == 0:
            os._exit(7)
        super().process_frame(frame)


class Wide(Values):
    """Results that lie in shared memory; wrong ones where the merge gets others than it sent."""

    def get_result_buffers(self) -> Any:
        return {"v": self.buffer("nav", dtype="f8"), "w": self.buffer("single", (3000,), "f8")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.w[:] = np.arange(3000)
        super().process_frame(frame)

    def merge(self, dest: Any, src: Any) -> None:
        if not np.array_equal(src.w, np.arange(3000)):
            raise TypeError("something else arrived")
        dest.v[:] = src.v


class TestScripts:
    """A script gets the exception, and no block was drawn."""

    def test_the_exception_itself(self, pool: Pool) -> None:
        source = reader(10)
        run = Run(source, {"v": Values(), "m": Misspelt()}, pool, stop_on_error=True)
        finished(run, pool)

        with pytest.raises(MissingNameError, match="has no 'w'") as caught:
            check_failed(run)
        assert "process_frame of Misspelt by a dry run" in "".join(caught.value.__notes__)
        assert source.handed == []
        assert run.state is RunState.FAILED

    def test_switched_off(self, pool: Pool) -> None:
        source = reader(10)
        run = Run(source, {"m": Misspelt()}, pool, stop_on_error=True, dry_run=False)
        finished(run, pool)

        with pytest.raises(MissingNameError):
            check_failed(run)
        assert source.handed != []


class TestLive:
    """Where others are to go on, a UDF that cannot work is left out."""

    def test_one_of_two(self, pool: Pool) -> None:
        run = finished(Run(reader(10), {"v": Values(), "m": Misspelt()}, pool), pool)

        assert run.state is RunState.COMPLETE
        (failure,) = run.latest.failures
        assert failure.udf == "m"
        assert "process_frame" in failure.traceback
        assert (run.latest.results["v"]["v"].data == np.arange(20)).all()

    def test_no_one_is_left(self, pool: Pool) -> None:
        source = reader(10)
        run = finished(Run(source, {"m": Misspelt()}, pool), pool)

        assert run.state is RunState.FAILED
        assert "has no 'w'" in run.latest.reason
        assert source.handed == []

    def test_results_that_do_not_travel(self, workers: ProcessPool) -> None:
        source = reader(10)
        run = finished(Run(source, {"o": Objects()}, workers), workers)

        assert run.state is RunState.FAILED
        assert "generator" in run.latest.reason
        assert source.handed == []


class TestWorkers:
    """The worker does it, so that nothing happens to the main process."""

    def test_a_worker_that_dies_of_it(self, workers: ProcessPool) -> None:
        before = workers.pids()
        run = finished(Run(reader(10), {"v": DiesOnOnes()}, workers), workers)

        assert run.state is RunState.COMPLETE, run.latest.reason
        assert (run.latest.results["v"]["v"].data == np.arange(20)).all()
        assert len(set(before) - set(workers.pids())) == 1

    def test_cancelled_while_it_hangs(self, workers: ProcessPool, tmp_path: Path) -> None:
        here, until = str(tmp_path / "here"), str(tmp_path / "until")
        os.mkfifo(here)
        os.mkfifo(until)
        source = reader(10)
        run = Run(source, {"v": HeldUp(here, until)}, workers)
        run.start()
        Path(here).read_text()  # until a worker is in the dry run
        run.cancel(at_once=True)

        assert run.join(30)
        assert run.state is RunState.ABORTED
        assert source.handed == []
        again = finished(Run(reader(10), {"v": Values()}, workers), workers)
        assert (again.latest.results["v"]["v"].data == np.arange(20)).all()

    def test_results_in_shared_memory(self, workers: ProcessPool) -> None:
        run = finished(Run(reader(10), {"v": Wide()}, workers), workers)

        assert run.state is RunState.COMPLETE, run.latest.reason
        assert run.latest.failures == ()

    def test_shipped_udfs_cost_nothing(self, workers: ProcessPool) -> None:
        plain = finished(Run(reader(4), {"s": SumUDF()}, workers), workers)
        tried = finished(Run(reader(4), {"v": Values()}, workers), workers)

        def lines(run: Run) -> set[str]:
            return {line.what for line in run.report().lines}

        assert "dry run" not in lines(plain)
        assert "dry run" in lines(tried)
