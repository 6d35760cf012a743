"""Workers that hang or grow are replaced; the UDF to blame is suspended, the others go on."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.made_blocks import MadeBlock, Values, reader
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState
from framefold.engine.limits import Limits
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run, check_failed
from framefold.errors import BlockTimeoutError, WorkerLostError
from framefold.processes.launcher import Launcher

SECONDS = 600.0
MIB = 1 << 20


class Clock:
    """A clock that is an hour ahead as long as some worker has said that it hangs, and lives:
    nobody has to wait, and no worker is taken for hung because the machine is busy.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> float:
        hung = any(Path("/proc", mark.name).exists() for mark in self.folder.iterdir())
        return time.monotonic() + 3600 * hung


def hang(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    threading.Event().wait()


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher(("framefold.engine.worker",)) as made:
        yield made


@pytest.fixture
def hung(tmp_path) -> str:
    """Folder for the numbers of processes that hang."""
    folder = tmp_path / "hung"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def pool(launcher, hung) -> Iterator[ProcessPool]:
    """One worker at a time, that may not take long for a block by its clock."""
    made = ProcessPool(launcher, 1, Limits(SECONDS), Clock(Path(hung)))
    yield made
    made.close()


def finished(run: Run) -> Run:
    run.start()
    assert run.join(120)
    return run


def values(run: Run, name: str = "v") -> NDArray[Any]:
    return run.latest.results[name]["v"].data


class Hangs(Values):
    """Does not come back from one position: each time, or as often as there are tickets."""

    def __init__(self, at: int, hung: str, tickets: str = "", *, deep: bool = False) -> None:
        super().__init__(at=at, hung=hung, tickets=tickets, deep=deep)

    def process_frame(self, frame: NDArray[Any]) -> None:
        super().process_frame(frame)
        if frame[0, 0] != self.params.at:
            return
        if self.params.tickets:
            try:
                Path(self.params.tickets).unlink()
            except FileNotFoundError:
                return
        if self.params.deep:
            Path(self.params.hung, str(os.getpid())).touch()
            ctypes.CDLL(None).pause()  # in C, where no exception reaches
        hang(self.params.hung)


class Grows(Values):
    """Takes memory at one position, and waits to be told off."""

    def __init__(self, at: int) -> None:
        super().__init__(at=at)

    def process_frame(self, frame: NDArray[Any]) -> None:
        super().process_frame(frame)
        if frame[0, 0] == self.params.at:
            kept = np.ones(300 * MIB, np.uint8)
            threading.Event().wait()
            kept[:] = 0


class Speaks(Values):
    """Says something on its stderr and dies of it at one position."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        if frame[0, 0] == 3:
            os.write(2, b"cannot go on: the flux is gone\n")
            os._exit(4)


class TestHanging:
    """A hung UDF costs its own results, nobody else's."""

    def test_once(self, pool, hung, tmp_path):
        """Whatever it was, the block is done by another worker."""
        before = pool.pids()
        ticket = tmp_path / "ticket"
        ticket.touch()
        udfs = {"v": Hangs(5, hung, str(ticket)), "w": Values()}
        run = finished(Run(reader(20), udfs, pool, dry_run=False))

        check_failed(run)
        assert run.state is RunState.COMPLETE
        assert not run.latest.failures
        assert (values(run) == np.arange(40)).all()
        assert (values(run, "w") == np.arange(40)).all()
        assert pool.replaced == 1
        assert "no end after 600 s on one block, in UDF 'v'" in pool.last_loss
        assert before != pool.pids()

    @pytest.mark.parametrize("deep", [False, True])
    def test_the_second_time_it_is_suspended_and_the_others_go_on(self, pool, hung, deep):
        run = finished(Run(reader(20), {"v": Hangs(5, hung, deep=deep), "w": Values()}, pool))

        assert run.state is RunState.COMPLETE, run.latest.reason
        (failure,) = run.latest.failures
        assert failure.udf == "v"
        assert "BlockTimeoutError" in failure.error
        assert "second time" in failure.error
        assert "in process_frame" in failure.traceback  # where it hung, from the worker's stderr
        assert run.latest.merged == 40
        assert run.latest.losses.set_aside == 0
        assert pool.replaced == 2
        assert (values(run, "w") == np.arange(40)).all()

    def test_a_script_hears_of_it(self, pool, hung):
        run = finished(Run(reader(20), {"v": Hangs(5, hung)}, pool, stop_on_error=True))

        with pytest.raises(BlockTimeoutError, match="v: no end after 600 s"):
            check_failed(run)

    def test_a_block_that_hangs_by_itself_is_set_aside(self, pool, hung):
        """Nobody's UDF is to blame when frames cannot be read."""
        source = reader(10)
        source.given[3] = HangingBlock(4, np.array([6, 7]), mark=hung)
        run = finished(Run(source, {"v": Values()}, pool))

        assert run.state is RunState.COMPLETE
        assert not run.latest.failures
        aside = run.latest.coverage == PositionState.SET_ASIDE
        assert np.flatnonzero(aside).tolist() == [6, 7]

    def test_in_the_dry_run(self, pool, hung):
        """Nothing is known of it yet: it is tried again with frames."""
        run = finished(Run(reader(4), {"v": Hangs(1, hung), "w": Values()}, pool))

        assert run.state is RunState.COMPLETE
        assert [failure.udf for failure in run.latest.failures] == ["v"]
        assert pool.replaced == 3
        assert (values(run, "w") == np.arange(8)).all()


class HangingBlock(MadeBlock):
    """Cannot be opened in a worker, and does not say so."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_hanging, (os.getpid(), self.ident, self.positions, self.mark))


def _hanging(made_in: int, ident: int, positions: NDArray[np.int64], hung: str) -> MadeBlock:
    if os.getpid() != made_in:
        hang(hung)
    return MadeBlock(ident, positions)


class TestGrowing:
    """A worker that takes more memory than it may is replaced, and it is said why."""

    def test_again_and_again_on_the_same_block(self, launcher):
        pool = ProcessPool(launcher, 1, Limits(None, 250 * MIB))
        run = finished(Run(reader(10), {"v": Grows(5), "w": Values()}, pool))
        pool.close()

        (failure,) = run.latest.failures
        assert failure.udf == "v"
        assert "WorkerMemoryError" in failure.error
        assert "MiB of memory in use, 250 allowed" in failure.error
        assert run.state is RunState.COMPLETE
        assert (values(run, "w") == np.arange(20)).all()
        assert pool.replaced == 2


class TestLastWords:
    """What a worker wrote to its stderr is in the text of the failure, and on ours."""

    def test_of_a_block_that_was_set_aside(self, pool, caplog, capfd):
        run = finished(Run(reader(10), {"v": Speaks()}, pool))

        assert run.latest.losses.set_aside == 2
        assert "last: exit code 4, in UDF 'v'" in caplog.text
        assert "the flux is gone" in caplog.text
        assert "last words of worker-" in caplog.text
        assert ": cannot go on: the flux is gone\n" in capfd.readouterr().err

    def test_of_a_run_that_was_given_up(self, pool):
        source = reader(40)
        source.given = [MadeBlock(n + 1, np.array([3]), "") for n in range(40)]
        run = finished(Run(source, {"v": Speaks()}, pool))

        assert isinstance(run.error, WorkerLostError)
        assert "the flux is gone" in run.latest.reason


def switches(pid: int) -> str:
    """How often a process went to sleep, and how often it was sent there."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return " ".join(line for line in lines if "ctxt_switches" in line)


class TestIdle:
    """A worker without work sleeps, and is not woken up to be told that."""

    def test_between_runs_and_while_a_detector_is_silent(self, pool, launcher):
        source = reader(4)
        source.gate = threading.Event()
        run = Run(source, {"v": Values()}, pool)
        run.start()
        source.gate.wait(30)
        assert run.wait_for_blocks(3) == 4
        # a worker has answered before it sleeps: another's run gives it the time to
        other = ProcessPool(launcher, 1)
        finished(Run(reader(200), {"v": Values()}, other))
        before = [switches(pid) for pid in pool.pids()]
        finished(Run(reader(600), {"v": Values()}, other))
        other.close()

        assert [switches(pid) for pid in pool.pids()] == before
        run.cancel()
        assert run.join(30)
