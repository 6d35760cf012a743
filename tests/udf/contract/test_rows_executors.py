"""Rows 84, 86 and 88 to 93 of the feature table: workers, their ends, what they are sent."""

from __future__ import annotations

import importlib
import os
import select
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.made_blocks import MadeBlock, MadeReader, Values, blocks
from framefold import compat
from framefold.api import Context
from framefold.engine.process_pool import ProcessPool
from framefold.errors import ExecutorSpecException, RunFailedError, UDFRunCancelled
from framefold.formats.memory import ArrayDataSet
from framefold.processes.launcher import Launcher
from framefold.udf import UDF, BufferWrapper

RNG = np.random.default_rng(17)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3)).astype(np.float64)


class NavSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64), "pid": self.buffer("nav", dtype=int)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum()
        self.results.pid[:] = os.getpid()


class Mortal(NavSum):
    """Kills its worker: for ever, or only until a file is there."""

    def process_frame(self, frame: np.ndarray) -> None:
        mark = Path(self.params.mark)
        if self.params.always or not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        super().process_frame(frame)


def scan(**options: Any) -> ArrayDataSet:
    return ArrayDataSet(DATA, **{"num_partitions": 10, **options})


def assert_works(context: Context) -> None:
    result: Any = context.run_udf(scan(), NavSum())
    assert np.array_equal(result["x"].data, SUMS)


@pytest.fixture(scope="module")
def own() -> Iterator[Context]:
    """A context whose workers may be killed without harm to other tests."""
    with Context.make_with("threads", cpus=2, snooze_timeout=1e-3) as context:
        yield context


@pytest.mark.parametrize("name", ["inline", "synchronous"])
def test_row_084_the_calling_thread_by_name(name: str) -> None:
    with Context.make_with(executor_spec=name) as context:
        result: Any = context.run_udf(scan(), NavSum())
        assert set(result["pid"].raw_data) == {os.getpid()}


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("pipelinde", {}, "did you mean 'pipelined'"),
        ("inline", {"cpus": 2}, "has no workers, got cpus=2"),
        ("synchronous", {"cpus": [0, 1]}, "has no workers"),
        ("inline", {"gpus": 0}, "takes no gpus"),
        ("threads", {"gpus": [0]}, "takes no gpus"),
        ("dask", {"gpus": 1}, "no GPUs are used here"),
        ("pipelined", {"cpus": 0}, "leaves no worker"),
        ("delayed", {"cpus": 1}, "is not offered"),
    ],
)
def test_row_084_what_cannot_be_had(name: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ExecutorSpecException, match=told):
        Context.make_with(name, **options)


@pytest.mark.parametrize(("cpus", "workers"), [(2, 2), ([0, 3], 2), (range(3), 3)])
def test_row_084_how_many_workers(cpus: Any, workers: int) -> None:
    for name in ("dask", "pipelined", "threads"):
        assert Context.make_with(name, cpus=cpus).executor.processes == workers


def test_row_086_threads_by_name(own: Context) -> None:
    """The work is done side by side, in as many workers as asked for, and not here."""
    assert own.pool.workers == 2
    result: Any = own.run_udf(scan(), NavSum())
    assert np.array_equal(result["x"].data, SUMS)
    assert os.getpid() not in result["pid"].data
    assert 1 <= len(np.unique(result["pid"].data)) <= 2


def test_row_088_a_worker_dies_at_work(own: Context, tmp_path: Path) -> None:
    result: Any = own.run_udf(scan(), Mortal(mark=str(tmp_path / "mark"), always=False))
    assert np.array_equal(result["x"].data, SUMS)
    assert result["x"].valid_mask.all()


def test_row_088_every_worker_dies(own: Context, tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match="ended two workers"):
        own.run_udf(scan(), Mortal(mark=str(tmp_path / "mark"), always=True))
    assert_works(own)


def test_row_088_idle_workers_die(own: Context) -> None:
    assert_works(own)
    assert isinstance(own.pool, ProcessPool)
    before = set(own.pool.pids())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert_works(own)
    assert before.isdisjoint(own.pool.pids())


def test_row_088_start_up_takes_too_long() -> None:
    told = r"did not start within 0\.2 s"
    with (
        Launcher(("signal:pause",), start_s=0.2) as launcher,
        pytest.raises(RunFailedError, match=told),
    ):
        ProcessPool(launcher, 1)


def test_row_088_the_pool_starts_again(own: Context) -> None:
    assert_works(own)
    assert isinstance(own.pool, ProcessPool)
    dying = [os.pidfd_open(pid) for pid in own.pool.pids()]
    os.kill(own.launcher.pid, signal.SIGKILL)  # and with it all workers, a little later
    for worker in dying:
        assert select.select([worker], [], [], 30)[0]
        os.close(worker)
    with pytest.raises(RunFailedError):
        own.run_udf(scan(), NavSum())
    own.close()
    assert_works(own)


@pytest.mark.parametrize("name", ["delayed", "dask-integration", "dask-make-default"])
def test_row_089_no_lazy_arrays(name: str) -> None:
    with pytest.raises(ExecutorSpecException, match=r"is not offered: .*use one of inline"):
        Context.make_with(name)


@pytest.mark.parametrize("module", ["executor.delayed", "contrib.daskadapter"])
def test_row_089_modules_say_why(module: str) -> None:
    compat.activate()
    try:
        with pytest.raises(ImportError, match=r"framefold"):
            importlib.import_module(f"libertem.{module}")
    finally:
        compat.deactivate()


class Parcel:
    """Notes in a file who unpacks it."""

    def __init__(self, log: str, factor: float) -> None:
        self.log, self.factor = log, factor

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        with Path(self.log).open("a") as file:
            file.write(f"{os.getpid()} {self.factor}\n")


class Scaled(NavSum):
    def process_frame(self, frame: np.ndarray) -> None:
        super().process_frame(frame)
        self.results.x[:] *= self.params.parcel.factor


def test_row_090_parameters_travel_once(two_workers: Context, tmp_path: Path) -> None:
    log = tmp_path / "log"
    result: Any = two_workers.run_udf(scan(), Scaled(parcel=Parcel(str(log), 2.0)))
    assert np.array_equal(result["x"].data, 2 * SUMS)
    unpacked = log.read_text().splitlines()
    assert set(np.unique(result["pid"].data)) <= {int(line.split()[0]) for line in unpacked}
    assert len(unpacked) == len(set(unpacked)) == 2  # each worker once, for ten partitions


class WhenFolded(MadeReader):
    """Makes each block only after the one before was folded, as a slow detector would."""

    def __init__(self, given: list[MadeBlock], end: Exception | None = None, hold: int = 0) -> None:
        super().__init__(given, 12)
        self.end = end
        self.hold = hold
        """After so many blocks it waits for `go_on`; 0: never."""
        self.go_on = threading.Event()
        self.folded = threading.Condition()

    def blocks(self, plan: Any) -> Iterator[MadeBlock]:
        for number, block in enumerate(self.given):
            with self.folded:
                assert self.folded.wait_for(lambda n=number: len(self.released) == n, 30)
            if number and number == self.hold:
                assert self.go_on.wait(30)
            yield block
        if self.end is not None:
            raise self.end

    def release(self, block: MadeBlock) -> None:
        with self.folded:
            super().release(block)
            self.folded.notify_all()


def test_row_090_patches_reach_what_was_not_handed_out(two_workers: Context) -> None:
    class Times(Values):
        def process_frame(self, frame: np.ndarray) -> None:
            self.results.v[:] = frame[0, 0] * self.params.factor

    source = WhenFolded(blocks(6), hold=2)
    updates = two_workers.run_udf_iter(source, Times(factor=1.0))
    for update in updates:
        if update.damage.data.sum() == 4:  # the source waits after two blocks of two frames
            break
    updates.update_parameters_experimental([{"factor": 2.0}])
    source.go_on.set()
    *_, last = updates
    expected = [1.0 * i for i in range(4)] + [2.0 * i for i in range(4, 12)]
    assert last.buffers[0]["v"].data.tolist() == expected


def test_row_091_frames_are_fed_while_workers_work(two_workers: Context) -> None:
    source = WhenFolded(blocks(6))
    merged = [
        int(update.damage.data.sum()) for update in two_workers.run_udf_iter(source, Values())
    ]
    assert merged == sorted(merged)
    assert merged[-1] == 12
    assert source.released == [1, 2, 3, 4, 5, 6]


def test_row_091_the_source_may_cancel(two_workers: Context) -> None:
    source = WhenFolded(blocks(3), UDFRunCancelled("the scan was stopped"))
    with pytest.raises(UDFRunCancelled, match="the scan was stopped"):
        two_workers.run_udf(source, Values())
    assert source.released == [1, 2, 3]
    assert_works(two_workers)


@pytest.mark.parametrize("gpu", [0, 1, True])
@pytest.mark.parametrize("name", ["inline", "dask", "pipelined"])
def test_row_092_no_gpu_on_the_main_side(name: str, gpu: Any) -> None:
    with pytest.raises(ExecutorSpecException, match="gpu"):
        Context.make_with(name, main_process_gpu=gpu)


@pytest.mark.parametrize("gpu", [None, False])
def test_row_092_without_a_gpu(gpu: Any) -> None:
    with Context.make_with("inline", main_process_gpu=gpu) as context:
        assert_works(context)


def processor_time(pid: int) -> int:
    """What a process has used of the processor [ticks of 10 ms]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_row_093_idle_workers_use_no_processor(own: Context) -> None:
    """Nothing has to be sent to sleep; the time-out is taken, and workers stay."""
    assert_works(own)
    assert isinstance(own.pool, ProcessPool)
    pids = own.pool.pids()
    before = [processor_time(pid) for pid in pids]
    threading.Event().wait(0.3)  # the time that is measured
    used = [processor_time(pid) - was for pid, was in zip(pids, before, strict=True)]
    assert max(used) <= 2
    assert_works(own)
    assert own.pool.pids() == pids
