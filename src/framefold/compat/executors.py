"""Executors under LiberTEM's names: all of them say how many workers a Context has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from framefold.api.executors import Executor, named
from framefold.errors import ExecutorSpecException


class WorkerProcesses(Executor):
    """Worker processes, one per core.

    Parameters
    ----------
    *args, **kwargs
        Accepted and without effect: clients and pools of others are not used.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        super().__init__(None)

    @classmethod
    def make_local(cls, spec: Any = None, *args: Any, **kwargs: Any) -> Executor:  # noqa: ARG003
        """Worker processes on this machine.

        Parameters
        ----------
        spec : mapping or sequence, optional
            What `cluster_spec` gave, or one entry for each worker; one per core when left out.
        """
        if spec is None:
            return cls()
        return Executor(max(1, len(spec)))

    @classmethod
    def make_spec(
        cls,
        cpus: int | Iterable[int],
        cudas: int | Iterable[int] | None = None,
        **kwargs: Any,  # noqa: ARG003
    ) -> dict[str, Any]:
        """What `make_local` takes; parameters as for `cluster_spec`."""
        return cluster_spec(cpus, cudas)

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:  # noqa: ARG003
        """Refused.

        Raises
        ------
        ExecutorSpecException
            Always: workers are on this machine.
        """
        raise ExecutorSpecException(
            "there are no workers on other machines; use Context(workers=...)"
        )


class ConcurrentJobExecutor(WorkerProcesses):
    """Worker processes, under the name of what has threads elsewhere."""


class PipelinedExecutor(WorkerProcesses):
    """Worker processes."""


class DaskJobExecutor(WorkerProcesses):
    """Worker processes, under the name of what hands work to Dask elsewhere."""


def cluster_spec(
    cpus: int | Iterable[int],
    cudas: int | Iterable[int] | None = None,
    has_cupy: bool = False,  # noqa: ARG001
    **options: Any,  # noqa: ARG001
) -> dict[str, Mapping[str, Any]]:
    """One entry for each worker.

    Parameters
    ----------
    cpus : int or iterable of int
        How many workers, or one for each number listed.
    cudas : int or iterable of int, optional
        None, 0 or empty.
    has_cupy, **options
        Accepted and without effect.

    Raises
    ------
    ExecutorSpecException
        If GPUs are asked for.
    """
    executor = named("dask", cpus, cudas)
    return {f"worker-{number}": {} for number in range(executor.processes)}
