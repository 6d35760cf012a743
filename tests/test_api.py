"""A context: from several threads, interrupted, closed in the middle, or forgotten."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.made_blocks import Scaled, Values, reader
from framefold import UDF, ArrayDataSet, Context, SumUDF
from framefold.errors import DataError, UDFRunCancelled


@pytest.fixture(scope="module")
def workers() -> Iterator[Context]:
    """Two workers for the tests of this module."""
    with Context(workers=2) as ctx:
        yield ctx


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


class TestThreads:
    """Several threads may use a context at once."""

    def test_the_first_use(self):
        """One pool is started, however many threads need it first."""
        with Context(workers=1) as ctx:
            barrier = threading.Barrier(4)
            found = []

            def use() -> None:
                barrier.wait()
                found.append(ctx.pool)

            threads = [threading.Thread(target=use) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)

            assert len(set(map(id, found))) == 1

    def test_runs_at_the_same_time(self, workers):
        data = [np.full((6, 6, 4, 4), n, dtype=np.uint8) for n in range(4)]
        sums = {}

        def run(n: int) -> None:
            result = workers.run_udf(ArrayDataSet(data[n]), SumUDF())
            sums[n] = result["intensity"].data.copy()

        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert [int(sums[n][0, 0]) for n in range(4)] == [36 * n for n in range(4)]


class TestUpdates:
    """What an update shows does not change while somebody looks at it."""

    def test_buffers_and_damage_are_of_one_moment(self, workers):
        updates = workers.run_udf_iter(reader(200), Values())
        kept = [(one.buffers[0]["v"], one.damage) for one in updates]

        assert len(kept) == 200
        for values, damage in kept:
            merged = damage.raw_data.astype(bool)
            expected = np.where(merged, np.arange(400), 0)
            assert (values.raw_data == expected).all()

    def test_parameters_given_before_the_first(self):
        with Context.inline() as ctx:
            updates = ctx.run_udf_iter(reader(20), Scaled(1.0))
            updates.update_parameters_experimental([{"factor": 5.0}])
            *_, last = updates

        assert (last.buffers[0]["v"].raw_data == 5 * np.arange(40)).all()

    def test_the_exception_of_a_reader(self, workers):
        with pytest.raises(DataError, match="the file ends here"):
            workers.run_udf(reader(4, trouble="blocks"), Values())
        with Context.inline() as ctx, pytest.raises(DataError, match="the file ends here"):
            ctx.run_udf(reader(4, trouble="blocks"), Values())


class TestClosing:
    """Closing ends what is going on."""

    def test_during_a_run(self):
        ctx = Context(workers=1)
        source = reader(4)
        source.gate = threading.Event()
        raised = []

        def run() -> None:
            try:
                ctx.run_udf(source, Values())
            except UDFRunCancelled as error:
                raised.append(error)

        running = threading.Thread(target=run)
        running.start()
        source.gate.wait(30)
        ctx.close()
        running.join(30)

        assert len(raised) == 1

    def test_it_can_be_used_again(self):
        ctx = Context(workers=1)
        for _ in range(2):
            ctx.run_udf(reader(2), Values())
            ctx.close()

    def test_with_a_run_that_never_began(self):
        with Context.inline() as ctx:
            updates = ctx.run_udf_iter(reader(2), Values())

        del updates

    def test_forgotten(self):
        ctx = Context(workers=1)
        ctx.run_udf(reader(2), Values())
        pids = [ctx.launcher.pid, *ctx.pool.pids()]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del ctx
            gc.collect()

        assert not caught
        assert all(map(gone, pids))


SCRIPT = """
import sys, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
from engine.made_blocks import HeldUp, Values, reader
from framefold import Context
import framefold.engine.run

framefold.engine.run.GRACE_SECONDS = 0.1
ctx = Context(workers=2)
{body}
"""

INTERRUPTED = """
print(ctx.launcher.pid, *ctx.pool.pids(), flush=True)
try:
    ctx.run_udf(reader(10), HeldUp({here!r}, {until!r}))
except KeyboardInterrupt:
    result = ctx.run_udf(reader(10), Values())
    print(result["v"].raw_data.sum(), *ctx.pool.pids(), flush=True)
"""

ABANDONED = """
source = reader(4)
source.gate = threading.Event()
updates = ctx.run_udf_iter(source, Values())
source.gate.wait()
print(ctx.launcher.pid, *ctx.pool.pids(), flush=True)
"""


def script(body: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(body=body)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class TestScripts:
    """A script ends when it should, and leaves no process."""

    def test_interrupted_by_the_keyboard(self, tmp_path):
        """Ctrl-C goes to every process of the group; a worker hangs in a UDF meanwhile."""
        here, until = str(tmp_path / "here"), str(tmp_path / "until")
        os.mkfifo(here)
        os.mkfifo(until)
        with script(INTERRUPTED.format(here=here, until=until)) as running:
            Path(here).read_text()
            os.killpg(running.pid, signal.SIGINT)
            out, err = running.communicate(timeout=60)

        assert running.returncode == 0, err
        first, second = out.splitlines()
        total, *pids = second.split()
        assert float(total) == np.arange(20).sum()
        assert all(gone(int(pid)) for pid in [*first.split(), *pids])
        assert "Traceback" not in err

    def test_that_abandons_a_run(self):
        with script(ABANDONED) as running:
            out, err = running.communicate(timeout=60)

        assert running.returncode == 0, err
        assert all(gone(int(pid)) for pid in out.split())


class CountsItsResults(UDF):
    """Knows how often somebody asked."""

    DRY_RUN = False  # it counts the calls of a run alone

    asked = 0

    def get_result_buffers(self):
        return {"v": self.buffer("nav", dtype=np.float32)}

    def process_frame(self, frame):
        self.results.v[:] = 1

    def get_results(self):
        CountsItsResults.asked += 1
        return {"v": self.results.v}


class TestLaziness:
    """What nobody looks at is not computed."""

    def test_results_are_asked_for_once_at_the_end(self):
        with Context.inline() as ctx:
            CountsItsResults.asked = 0
            ctx.run_udf(
                dataset=ArrayDataSet(np.ones((4, 4, 2, 2), np.uint8)), udf=CountsItsResults()
            )
        assert CountsItsResults.asked == 1

    def test_updates_that_nobody_reads_cost_nothing(self):
        data = ArrayDataSet(np.ones((4, 4, 2, 2), np.uint8), num_partitions=8)
        with Context.inline() as ctx:
            CountsItsResults.asked = 0
            *_, last = ctx.run_udf_iter(dataset=data, udf=CountsItsResults())
            before = CountsItsResults.asked
            assert last.buffers[0]["v"].data.all()
        assert before == 0
