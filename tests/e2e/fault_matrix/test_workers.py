"""Workers, UDFs and processes of ours that die, raise, hang or are slow."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from e2e.fault_matrix.rig import (
    DATA,
    FRAMES,
    PATIENCE,
    SETTINGS,
    Rig,
    check_results,
    check_whole,
    run_next,
    udfs,
)
from e2e.fault_matrix.rows import row
from e2e.traces import is_alive
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState
from framefold.engine.limits import Limits
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run
from framefold.udf import UDF
from framefold_simulators.faults import Faults


class Watchful(UDF):
    """The sum of each frame; at one of them something happens to its worker."""

    def get_result_buffers(self):
        return {"seen": self.buffer("nav", dtype=np.int64)}

    def process_frame(self, frame):
        if int(self.meta.coordinates[0][0]) * 20 + int(self.meta.coordinates[0][1]) == 133:
            self.happens()
        self.results.seen[:] = frame.sum()

    def happens(self):
        raise NotImplementedError


class Kills(Watchful):
    """Kills its worker, the first time only or always."""

    def happens(self):
        if self.params.always or not Path(self.params.mark).exists():
            Path(self.params.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Raises(Watchful):
    """Raises."""

    def happens(self):
        raise ZeroDivisionError("frame 133 is not to my taste")


class Hangs(Watchful):
    """Never comes back, and says so."""

    def happens(self):
        Path(self.params.folder, str(os.getpid())).touch()
        threading.Event().wait()


class BadMerge(UDF):
    """Raises where results are merged."""

    def get_result_buffers(self):
        return {"total": self.buffer("single", dtype=np.int64)}

    def process_frame(self, frame):
        self.results.total[:] += int(frame.sum())

    def merge(self, dest, src):
        if self.params.after is not None and dest.total[0] > self.params.after:
            raise ZeroDivisionError("enough is enough")
        dest.total[:] += src.total


class Waits(UDF):
    """Works on no frame before a file is there."""

    def get_result_buffers(self):
        return {"seen": self.buffer("nav", dtype=np.int64)}

    def process_frame(self, frame):
        while not Path(self.params.gate).exists():
            threading.Event().wait(0.01)
        self.results.seen[:] = frame.sum()


def started(ctx, stream, chosen):
    run = Run(stream.next_reader(), chosen, ctx.pool)
    run.start()
    return run


class TestWorkers:
    """A worker is no loss."""

    @row("worker death (crash, OOM)")
    @pytest.mark.parametrize("how", ["from within", "from outside"])
    def test_killed(self, workers, tmp_path, how):
        """Its block is done again by another; no block counts twice."""
        with (
            Rig(Faults(), rate=1500) as rig,
            workers.stream(rig.endpoint, **SETTINGS) as stream,
        ):
            for n in range(3):
                rig.arm()
                chosen = udfs()
                if how == "from within":
                    chosen["kills"] = Kills(mark=str(tmp_path / f"once{n}"), always=False)
                run = started(workers, stream, chosen)
                if how == "from outside":
                    run.wait_for_blocks(n)
                    os.kill(workers.pool.pids()[0], signal.SIGKILL)
                assert run.join(PATIENCE)
                check_whole(run)
                if how == "from within":
                    assert (run.latest.results["kills"]["seen"].data == DATA.sum((2, 3))).all()

    @row("frame that kills workers")
    def test_poison(self, workers, tmp_path):
        kills = Kills(mark=str(tmp_path / "always"), always=True)
        with (
            Rig(Faults()) as rig,
            workers.stream(rig.endpoint, **(SETTINGS | {"frames_per_block": 4})) as stream,
        ):
            rig.arm()
            run = run_next(workers, stream, udfs() | {"kills": kills})
            rig.arm()
            check_whole(run_next(workers, stream))

        check_results(run)
        aside = np.flatnonzero(run.latest.coverage == PositionState.SET_ASIDE)
        assert aside.tolist() == [132, 133, 134, 135]
        assert run.latest.losses.set_aside == 4
        assert run.latest.merged == FRAMES - 4

    @row("worker hangs")
    def test_hangs(self, workers, tmp_path):
        """It is ended after its time; the second time the UDF gets no more frames."""
        hung = tmp_path / "hung"
        hung.mkdir()

        def clock():
            # an hour ahead while one of them hangs: nobody has to wait for it
            return time.monotonic() + 3600 * any(
                is_alive(int(mark.name)) for mark in hung.iterdir()
            )

        pool = ProcessPool(workers.launcher, 2, Limits(600.0), clock)
        try:
            with Rig(Faults()) as rig, workers.stream(rig.endpoint, **SETTINGS) as stream:
                rig.arm()
                chosen = udfs() | {"hangs": Hangs(folder=str(hung))}
                run = Run(stream.next_reader(), chosen, pool)
                run.start()
                assert run.join(PATIENCE)
                rig.arm()
                check_whole(run_next(workers, stream))
        finally:
            pool.close()

        check_whole(run)
        assert len(list(hung.iterdir())) == 2
        (failure,) = run.latest.failures
        assert failure.udf == "hangs"

    @row("UDF raises")
    def test_raises(self, workers):
        with Rig(Faults()) as rig, workers.stream(rig.endpoint, **SETTINGS) as stream:
            rig.arm()
            run = run_next(workers, stream, {"bad": Raises()} | udfs())
            rig.arm()
            check_whole(run_next(workers, stream))

        (failure,) = run.latest.failures
        assert failure.udf == "bad"
        assert failure.error == "ZeroDivisionError: frame 133 is not to my taste"
        check_whole(run)

    @row("merge raises or slow")
    @pytest.mark.parametrize("how", ["raises", "slow"])
    def test_merge(self, workers, how):
        """One that raises is left out; behind a slow one frames wait, and none is lost."""
        settings = SETTINGS | {"ring_bytes": 1 << 20, "block_bytes": 1 << 14}
        gate = threading.Event()
        with Rig(Faults()) as rig, workers.stream(rig.endpoint, **settings) as stream:
            rig.arm()
            bad = BadMerge(after=1000 if how == "raises" else None)
            run = Run(stream.next_reader(), {"bad": bad} | udfs(), workers.pool)
            with run.fold.lock if how == "slow" else threading.Lock():
                run.start()
                if how == "slow":  # nothing is merged until the ring has been full
                    while not stream.statistics().stalls:
                        assert not gate.wait(0.01)
            assert run.join(PATIENCE)
            rig.arm()
            check_whole(run_next(workers, stream))

        check_whole(run)
        if how == "raises":
            assert [f.udf for f in run.latest.failures] == ["bad"]
        else:
            assert run.latest.results["bad"]["total"].data[0] == DATA.sum()

    @row("slow consumer (workers too slow)")
    def test_slow(self, workers, tmp_path):
        """The detector is held back; the counters say so, and no frame is lost."""
        gate = tmp_path / "go"
        settings = SETTINGS | {"ring_bytes": 1 << 20, "block_bytes": 1 << 14, "idle_seconds": 0.2}
        with Rig(Faults()) as rig, workers.stream(rig.endpoint, **settings) as stream:
            rig.arm()
            run = started(workers, stream, {"waits": Waits(gate=str(gate))} | udfs())
            while not stream.statistics().stalls:
                assert not run.join(0.01)
            full = stream.statistics()
            assert not run.join(0.5)  # longer than what would count as silence
            gate.touch()
            assert run.join(PATIENCE)
            rig.arm()
            check_whole(run_next(workers, stream))

        assert full.free_slots == 0
        assert full.messages < FRAMES
        check_whole(run)


class TestProcesses:
    """The receiver's process, and ours."""

    @row("receiver thread dies")
    def test_receiver_killed(self, workers):
        faults = Faults(stall=150, lasting=PATIENCE, only=1)  # it is killed in the middle
        with Rig(faults) as rig, workers.stream(rig.endpoint, **SETTINGS) as stream:
            rig.arm()
            run = started(workers, stream, udfs())
            run.wait_for_blocks(2)
            before = stream.pid
            os.kill(before, signal.SIGKILL)
            assert run.join(PATIENCE)
            rig.detector.stop()
            following: list[Run] = []

            def go_on():
                # what was on its way when it died may make one more acquisition
                while not following or following[-1].state is not RunState.COMPLETE:
                    following.append(run_next(workers, stream))

            waiting = threading.Thread(target=go_on)
            waiting.start()
            while stream.pid == before or not stream.statistics().connected:
                assert not threading.Event().wait(0.01)
            rig.arm()
            waiting.join(PATIENCE)
            for one in following[:-1]:
                check_results(one)
            check_whole(following[-1])
            after = stream.pid

        assert after != before
        assert run.state is RunState.ABORTED
        assert run.latest.reason == "the receiver died"
        check_results(run)
