"""Workers may die, blocks may be broken: a run ends, every block comes back, the pool goes on."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.made_blocks import (
    Deadly,
    Exits,
    HeldUp,
    NoPickle,
    NoUnpickle,
    Objects,
    Scaled,
    Values,
    blocks,
    reader,
)
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run, check_failed
from framefold.errors import DataError, RunFailedError, WorkerLostError
from framefold.processes.launcher import Launcher

PRELOAD = ("framefold.engine.worker",)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    """Two workers for the tests of this module."""
    with Launcher(PRELOAD) as launcher:
        made = ProcessPool(launcher, 2)
        yield made
        made.close()


def finished(run: Run) -> Run:
    run.start()
    assert run.join(60)
    return run


def assert_usable(pool: ProcessPool) -> None:
    """A plain run gives every value, and every block comes back."""
    source = reader(20)
    run = finished(Run(source, {"v": Values()}, pool))
    check_failed(run)
    assert run.state is RunState.COMPLETE
    assert (run.latest.results["v"]["v"].data == np.arange(40)).all()
    assert_all_back(source)


def assert_all_back(source: Any) -> None:
    assert sorted(source.released) == sorted(source.handed)


class TestBrokenUDFs:
    """UDFs that cannot even begin end their run, not the pool."""

    @pytest.mark.parametrize("ballast", [NoUnpickle(), NoPickle(), Deadly()])
    @pytest.mark.parametrize("weight", [0, 8 << 20])
    def test_a_parameter_that_does_not_travel(self, pool, ballast, weight):
        source = reader(30)
        udf = Scaled(factor=1.0, ballast=[ballast, b"x" * weight])
        run = finished(Run(source, {"v": udf}, pool))

        assert run.state is RunState.FAILED
        assert isinstance(run.error, (RunFailedError, TypeError))
        assert_all_back(source)
        assert_usable(pool)

    def test_deadly_parameters_are_given_up(self, pool):
        run = finished(Run(reader(30), {"v": Scaled(1.0, Deadly())}, pool))

        assert isinstance(run.error, WorkerLostError)

    def test_results_that_do_not_travel_fail_their_udf_alone(self, pool):
        run = finished(Run(reader(10), {"o": Objects(), "v": Values()}, pool))

        assert run.state is RunState.COMPLETE
        (failure,) = run.latest.failures
        assert failure.udf == "o"
        assert "generator" in failure.error
        assert (run.latest.results["v"]["v"].data == np.arange(20)).all()

    def test_a_merge_that_exits(self, pool):
        source = reader(10)
        run = finished(Run(source, {"v": Exits()}, pool))

        assert run.state is RunState.FAILED
        with pytest.raises(RunFailedError, match="SystemExit"):
            check_failed(run)
        assert_all_back(source)
        assert_usable(pool)


class TestBrokenBlocks:
    """A block that makes trouble is set aside or ends the run; it comes back in any case."""

    def test_an_open_that_raises(self, pool):
        source = reader(10)
        source.given = blocks(10, trouble="open")
        run = finished(Run(source, {"v": Values()}, pool))

        assert run.state is RunState.COMPLETE
        assert run.latest.merged == 18
        assert run.latest.coverage[2:4].tolist() == [PositionState.MISSING] * 2
        assert_all_back(source)

    def test_a_script_gets_the_exception_itself(self, pool):
        source = reader(10)
        source.given = blocks(10, trouble="open")
        run = finished(Run(source, {"v": Values()}, pool, stop_on_error=True))

        with pytest.raises(DataError, match="block 2 cannot be opened"):
            check_failed(run)
        assert_all_back(source)
        assert_usable(pool)

    def test_a_block_that_cannot_be_unpickled_is_set_aside(self, pool):
        source = reader(10)
        source.given = blocks(10, trouble="no unpickle")
        before = pool.pids()
        run = finished(Run(source, {"v": Values()}, pool))

        assert run.latest.merged == 18
        assert run.latest.losses.set_aside == 2
        assert pool.pids() == before
        assert_all_back(source)

    def test_a_block_that_cannot_be_pickled_ends_the_run(self, pool):
        source = reader(10)
        source.given = blocks(10, trouble="no pickle")
        run = finished(Run(source, {"v": Values()}, pool))

        assert isinstance(run.error, TypeError)
        assert_all_back(source)
        assert_usable(pool)

    def test_a_reader_that_raises(self, pool):
        source = reader(10, trouble="blocks")
        run = finished(Run(source, {"v": Values()}, pool))

        assert isinstance(run.error, DataError)
        assert run.latest.merged == 20
        assert_all_back(source)

    def test_a_reader_whose_end_raises(self, pool):
        run = finished(Run(reader(10, trouble="ending"), {"v": Values()}, pool))

        assert run.state is RunState.FAILED
        assert "the end of the file is damaged" in run.latest.reason
        assert_usable(pool)


class TestDeaths:
    """Workers may die at any moment."""

    def test_while_idle(self, pool):
        for pid in pool.pids():
            os.kill(pid, signal.SIGKILL)

        assert_usable(pool)
        assert len(pool.pids()) == 2

    def test_while_many_megabytes_are_on_their_way_to_it(self, pool, tmp_path):
        """The feeding thread is in the middle of a write when the worker goes."""
        source = reader(30)
        for block in source.given:
            block.ballast = bytes(4 << 20)
            block.trouble, block.mark = "dies once", str(tmp_path / f"{block.ident % 3}")
        run = finished(Run(source, {"v": Values()}, pool))

        assert run.state is RunState.COMPLETE, run.latest.reason
        assert run.latest.merged == 60
        assert_all_back(source)

    def test_at_any_moment_of_a_run(self, pool):
        """Killed from outside again and again: every block is folded exactly once."""
        source = reader(300)
        run = Run(source, {"v": Values()}, pool)
        killed = 0

        def kill(_: Any) -> None:
            nonlocal killed
            if killed < 4 and run.fold.folded_blocks >= 50 * killed:
                killed += 1
                os.kill(pool.pids()[killed % 2], signal.SIGKILL)
            run.want()

        run.watch(kill)
        finished(run)

        assert run.state is RunState.COMPLETE, run.latest.reason
        assert run.fold.folded_blocks == 300
        assert run.latest.merged == 600
        assert (run.latest.results["v"]["v"].data == np.arange(600)).all()
        assert_all_back(source)

    def test_the_fork_server(self):
        with Launcher(PRELOAD) as launcher:
            pool = ProcessPool(launcher, 2)
            os.kill(launcher.pid, signal.SIGKILL)
            launcher._server.wait()
            source = reader(10)
            run = finished(Run(source, {"v": Values()}, pool))

            assert isinstance(run.error, RunFailedError)
            assert_all_back(source)
            again = finished(Run(reader(10), {"v": Values()}, pool))
            assert isinstance(again.error, RunFailedError)
            pool.close()


class TestCancelling:
    """A run may be cancelled at any moment."""

    @pytest.fixture
    def pipes(self, tmp_path: Path) -> tuple[str, str]:
        here, until = str(tmp_path / "here"), str(tmp_path / "until")
        os.mkfifo(here)
        os.mkfifo(until)
        return here, until

    def test_before_it_starts(self, pool):
        source = reader(10)
        run = Run(source, {"v": Values()}, pool)
        run.cancel()
        finished(run)

        assert run.state is RunState.ABORTED
        assert_all_back(source)

    def test_while_the_reader_waits_for_frames(self, pool):
        source = reader(4)
        source.gate = threading.Event()
        run = Run(source, {"v": Values()}, pool)
        run.start()
        source.gate.wait(30)
        run.cancel()

        assert run.join(30)
        assert run.state is RunState.ABORTED
        assert run.latest.merged == 8

    def test_while_it_waits_for_another_run(self, pool):
        first = reader(4)
        first.gate = threading.Event()
        running = Run(first, {"v": Values()}, pool)
        running.start()
        first.gate.wait(30)
        waiting = Run(reader(4), {"v": Values()}, pool)
        waiting.start()
        waiting.cancel()

        assert waiting.join(30)
        assert waiting.state is RunState.ABORTED
        running.cancel()
        assert running.join(30)

    def test_at_once_while_a_worker_hangs(self, pool, pipes):
        source = reader(10)
        run = Run(source, {"v": HeldUp(*pipes)}, pool)
        run.start()
        Path(pipes[0]).read_text()  # until a worker is in its first block
        run.cancel(at_once=True)

        assert run.join(30)
        assert run.state is RunState.ABORTED
        assert_all_back(source)
        assert_usable(pool)

    def test_a_closed_pool_refuses_runs_that_wait(self):
        with Launcher(PRELOAD) as launcher:
            pool = ProcessPool(launcher, 1)
            first = reader(2)
            first.gate = threading.Event()
            running = Run(first, {"v": Values()}, pool)
            running.start()
            first.gate.wait(30)
            waiting = Run(reader(4), {"v": Values()}, pool)
            waiting.start()
            closing = threading.Thread(target=pool.close)
            closing.start()

            assert waiting.join(30)
            assert "pool is closed" in waiting.latest.reason
            running.cancel()
            closing.join(30)
            assert not closing.is_alive()


class TestParameters:
    """New parameters reach every block that was not handed out."""

    def test_given_before_the_run_has_workers(self, pool):
        run = Run(reader(10), {"v": Scaled(1.0)}, pool)
        run.update([{"factor": 3.0}])
        finished(run)

        assert (run.latest.results["v"]["v"].data == 3 * np.arange(20)).all()

    def test_that_do_not_travel(self, pool):
        source = reader(4)
        source.gate = threading.Event()
        run = Run(source, {"v": Scaled(1.0)}, pool)
        run.start()
        source.gate.wait(30)
        run.update([{"ballast": NoUnpickle()}])
        run.cancel()

        assert run.join(30)
        assert_usable(pool)

    def test_many_megabytes(self, pool):
        ballast = np.arange(4 << 20, dtype=np.float64)
        run = finished(Run(reader(4), {"v": Scaled(2.0, ballast)}, pool))

        assert (run.latest.results["v"]["v"].data == 2 * np.arange(8)).all()


class TestLeaks:
    """Hundreds of runs leave nothing behind."""

    def test_descriptors_threads_and_mappings(self, pool):
        def held() -> tuple[int, int, int]:
            gc.collect()
            return (
                len(list(Path("/proc/self/fd").iterdir())),
                threading.active_count(),
                Path("/proc/self/maps").read_text().count("memfd:framefold"),
            )

        finished(Run(reader(4), {"v": Values()}, pool))
        before = held()
        for _ in range(60):
            finished(Run(reader(4), {"v": Values()}, pool))
            failing = Run(reader(4), {"v": Scaled(1.0, NoPickle())}, pool)
            finished(failing)

        assert held() == before
