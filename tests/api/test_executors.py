"""Executors by name, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from framefold import Context
from framefold.api import Executor
from framefold.api.executors import InlineExecutor, named, usable_cores
from framefold.errors import ExecutorSpecException, ParameterError


class TestNames:
    """The names LiberTEM users know."""

    @pytest.mark.parametrize("name", ["inline", "synchronous"])
    def test_the_calling_thread(self, name: str) -> None:
        executor = named(name)

        assert isinstance(executor, InlineExecutor)
        assert executor.is_inline
        assert executor.processes == 1

    @pytest.mark.parametrize("name", ["threads", "dask", "pipelined"])
    @pytest.mark.parametrize(
        ("cpus", "processes"), [(None, usable_cores()), (3, 3), ([0, 2], 2), (range(4), 4)]
    )
    def test_worker_processes(self, name: str, cpus: Any, processes: int) -> None:
        executor = named(name, cpus)

        assert not executor.is_inline
        assert executor.processes == processes

    @pytest.mark.parametrize(
        ("name", "cpus", "gpus", "told"),
        [
            ("inlin", None, None, "unknown executor 'inlin'; did you mean 'inline'"),
            ("inline", 1, None, "has no workers, got cpus=1"),
            ("synchronous", None, 0, "takes no gpus"),
            ("threads", 2, [], "takes no gpus"),
            ("dask", 2, 1, "gpus=1: no GPUs are used here"),
            ("pipelined", None, [0, 1], "no GPUs are used here"),
            ("dask", 0, None, "leaves no worker"),
            ("dask", "two", None, "leaves no worker|neither a number"),
            ("dask", -1, None, "neither a number"),
            ("dask", 1.5, None, "neither a number"),
            ("delayed", None, None, "not offered: results as lazy Dask arrays"),
            ("dask-integration", None, None, "not offered"),
            ("dask-make-default", None, None, "not offered"),
        ],
    )
    def test_refusals(self, name: str, cpus: Any, gpus: Any, told: str) -> None:
        if cpus == "two":
            cpus = ""
        with pytest.raises(ExecutorSpecException, match=told):
            named(name, cpus, gpus)

    def test_no_gpu_may_be_asked_for_politely(self) -> None:
        assert named("dask", 2, 0).processes == 2
        assert named("pipelined", 2, []).processes == 2


class TestContext:
    """A context is made with an executor."""

    @pytest.mark.parametrize(
        "make",
        [
            Context.inline,
            lambda: Context.make_with("inline"),
            lambda: Context(executor=InlineExecutor(debug=True, inline_threads=2)),
            lambda: Context(InlineExecutor()),
            lambda: Context.make_with("synchronous", main_process_gpu=False),
        ],
    )
    def test_inline(self, make: Any) -> None:
        with make() as ctx:
            assert isinstance(ctx.executor, InlineExecutor)
            assert ctx.pool.in_this_thread

    def test_workers(self) -> None:
        assert Context(3).executor == Executor(3)
        assert Context(Executor(2)).executor.processes == 2
        assert Context.make_with(cpus=2, snooze_timeout=1.0).executor == Executor(2)
        assert Context().executor.processes == usable_cores()

    @pytest.mark.parametrize("count", [0, -1])
    def test_no_workers(self, count: int) -> None:
        with pytest.raises(ParameterError, match=r"Context.inline\(\) has none"):
            Context(count)

    def test_negative_executor(self) -> None:
        with pytest.raises(ParameterError, match="workers=-1"):
            Executor(-1)

    def test_gpus(self) -> None:
        with pytest.raises(ExecutorSpecException, match="GPU"):
            Context.make_with("dask", main_process_gpu=0)
        with pytest.raises(ExecutorSpecException, match="GPU"):
            InlineExecutor(main_process_gpu=0)
