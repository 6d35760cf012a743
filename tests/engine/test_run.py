"""A run publishes what it has, to whoever asks, and ends whatever its viewers do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from engine.made_blocks import BadBuffers, Exits, Values, blocks, reader
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState, Snapshot
from framefold.engine import fold
from framefold.engine.pool import InlinePool
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run, check_failed
from framefold.errors import DataError, ParameterError
from framefold.formats.memory import ArrayDataSet
from framefold.processes.launcher import Launcher
from framefold.udf import UDF


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    """One worker for the tests of this module."""
    with Launcher(("framefold.engine.worker",)) as launcher:
        made = ProcessPool(launcher, 1)
        yield made
        made.close()


def stepped(run: Run) -> Run:
    for _ in run.steps():
        pass
    return run


class TestSnapshots:
    """Snapshots are numbered, immutable, and made when somebody asks."""

    def test_versions_grow(self, pool):
        seen: list[Snapshot] = []
        run = Run(reader(50), {"v": Values()}, pool)
        run.watch(lambda snapshot: (seen.append(snapshot), run.want()))
        run.start()
        assert run.join(30)

        versions = [one.version for one in seen]
        assert versions == sorted(set(versions))
        assert [one.merged for one in seen] == sorted(one.merged for one in seen)
        assert seen[0].state is RunState.ARMED
        assert seen[-1] is run.latest
        assert run.latest.merged == 100

    def test_what_is_wanted_comes_though_no_block_does(self, pool):
        """The reader waits for frames; the folding thread must wake up all the same."""
        source = reader(3)
        source.gate = threading.Event()
        run = Run(source, {"v": Values()}, pool)
        merged = threading.Event()
        run.watch(lambda snapshot: merged.set() if snapshot.merged == 6 else None)
        run.start()
        run.wait_for_blocks(2)
        while run.want():
            merged.wait(0.1)

        assert run.latest.merged == 6
        run.end()

    def test_nothing_new_is_not_wanted(self, pool):
        run = Run(reader(3), {"v": Values()}, pool)

        assert not run.want()
        run.start()
        run.join(30)
        assert not run.want()

    def test_a_viewer_that_raises_is_no_obstacle(self, pool):
        def raises(_: Snapshot) -> None:
            raise RuntimeError("the browser is gone")

        for _ in range(2):
            run = Run(reader(3), {"v": Values()}, pool)
            run.watch(raises)
            run.start()
            assert run.join(30)
            assert run.state is RunState.COMPLETE

    def test_who_has_gone_is_not_told(self):
        run = Run(reader(3), {"v": Values()}, InlinePool())
        seen: list[Snapshot] = []
        forget = run.watch(seen.append)
        forget()
        forget()
        stepped(run)

        assert not seen

    def test_wanted_between_two_steps(self):
        run = Run(reader(5), {"v": Values()}, InlinePool())
        steps = run.steps()
        next(steps)
        run.publication._made -= 1  # as if a while had passed
        assert run.want()
        next(steps)

        assert run.latest.merged == 4
        steps.close()

    def test_results_do_not_change(self):
        run = Run(reader(5), {"v": Values()}, InlinePool())
        before = run.latest
        stepped(run)

        assert before.merged == 0
        assert not before.results["v"]["v"].valid.any()
        with pytest.raises(ValueError, match="read-only"):
            run.latest.results["v"]["v"].data[0] = 1

    def test_results_that_cannot_be_made_are_a_failure_to_see(self, pool):
        run = Run(reader(5), {"bad": BadBuffers(), "v": Values()}, pool)
        run.start()
        assert run.join(30)

        assert run.state is RunState.COMPLETE
        assert [one.udf for one in run.latest.failures] == ["bad"]
        assert (run.latest.results["v"]["v"].data == np.arange(10)).all()


class TestInline:
    """Without processes a run is driven step by step, and ends in the same ways."""

    def test_each_step_is_a_block(self):
        source = reader(7)
        run = Run(source, {"v": Values()}, InlinePool())

        assert sum(1 for _ in run.steps()) == 7
        assert run.state is RunState.COMPLETE
        assert source.released == source.handed

    def test_abandoned(self):
        source = reader(7)
        run = Run(source, {"v": Values()}, InlinePool())
        steps = run.steps()
        next(steps)
        steps.close()

        assert run.state is RunState.ABORTED
        assert run.latest.merged == 2
        assert sorted(source.released) == sorted(source.handed)

    def test_cancelled(self):
        source = reader(7)
        run = Run(source, {"v": Values()}, InlinePool())
        for _ in run.steps():
            run.cancel()

        assert run.state is RunState.ABORTED
        assert sorted(source.released) == sorted(source.handed)

    def test_a_block_that_raises(self):
        source = reader(5)
        source.given = blocks(5, trouble="open")
        run = stepped(Run(source, {"v": Values()}, InlinePool()))

        assert run.latest.merged == 8
        assert sorted(source.released) == sorted(source.handed)

    def test_a_block_that_raises_in_a_script(self):
        source = reader(5)
        source.given = blocks(5, trouble="open")
        run = stepped(Run(source, {"v": Values()}, InlinePool(), stop_on_error=True))

        with pytest.raises(DataError, match="block 2"):
            check_failed(run)

    def test_what_ends_the_program_ends_the_run_before(self):
        source = reader(5)
        run = Run(source, {"v": Exits()}, InlinePool())
        with pytest.raises(SystemExit):
            stepped(run)

        assert run.state is RunState.FAILED
        assert sorted(source.released) == sorted(source.handed)


class TestRun:
    """Facts of a run."""

    def test_without_udf(self):
        with pytest.raises(ParameterError, match="nothing to do"):
            Run(reader(1), {}, InlinePool())

    def test_statistics(self):
        run = Run(reader(4), {"v": Values()}, InlinePool())
        assert run.statistics()["frames"] == 0
        stepped(run)

        assert run.statistics()["frames"] == 8
        assert run.statistics()["blocks"] == 4
        assert run.statistics()["seconds"] == run.statistics()["seconds"]

    def test_unselected_positions(self):
        selected = np.zeros(8, dtype=bool)
        selected[[1, 2, 6]] = True
        run = stepped(Run(reader(4), {"v": Values()}, InlinePool(), selection=selected))

        assert (run.latest.merged, run.latest.wanted, run.latest.fraction) == (3, 3, 1.0)
        assert run.latest.coverage[0] == PositionState.UNSELECTED

    def test_clock_jumps_do_not_matter(self, pool, monkeypatch):
        """Durations are measured by a clock that never goes back."""
        jumps = iter([1e9, 0.0, 2e9, -5.0] * 100)
        monkeypatch.setattr(fold.time, "time", lambda: next(jumps))
        run = Run(reader(20), {"v": Values()}, pool)
        done: list[Any] = []
        run.watch(lambda snapshot: (done.append(snapshot), run.want()))
        run.start()

        assert run.join(30)
        assert run.latest.merged == 40


class Weighted(UDF):
    """Takes a weight for each scan position, as a plain array."""

    NAV_PARAMS = ("weight",)

    def get_result_buffers(self):
        return {"seen": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame):
        self.results.seen[:] = self.params.weight


class TestParameters:
    """Parameters may change while a run goes on."""

    def test_a_plain_array_for_every_position(self):
        data = ArrayDataSet(np.ones((4, 5, 3, 3), np.uint8), num_partitions=4)
        before, after = np.zeros((4, 5)), np.arange(20.0).reshape(4, 5)
        run = Run(data.reader(), {"w": Weighted(weight=before)}, InlinePool())
        steps = run.steps()
        next(steps)
        run.update([{"weight": after}])
        for _ in steps:
            pass

        seen = run.latest.results["w"]["seen"].data.reshape(-1)
        assert seen[:5].tolist() == [0] * 5
        assert seen[5:].tolist() == list(range(5, 20))
