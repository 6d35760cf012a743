"""Executors: where the work of a Context is done, and the names users know for it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from framefold.errors import ExecutorSpecException, ParameterError, nearest

INLINE = ("inline", "synchronous")
PROCESSES = ("threads", "dask", "pipelined")
"""Names that mean workers of some kind; all of them get our worker processes."""

REFUSED = {
    "delayed": "results as lazy Dask arrays are not there",
    "dask-integration": "work is not handed to a Dask client",
    "dask-make-default": "no Dask client is made",
}


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Executor:
    """Where the work is done.

    Parameters
    ----------
    workers : int or None
        Worker processes; 0 for the calling thread, None for one per core.

    Raises
    ------
    ParameterError
        If the number is negative.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 0:
            raise ParameterError(f"workers={self.workers}: give 1 or more, or 0 for none at all")

    @property
    def is_inline(self) -> bool:
        """Whether everything is done in the calling thread."""
        return self.workers == 0

    @property
    def processes(self) -> int:
        """How many workers there will be; 1 for the calling thread."""
        return usable_cores() if self.workers is None else max(1, self.workers)


class InlineExecutor(Executor):
    """All work in the calling thread, for debuggers and profilers.

    Parameters
    ----------
    debug : bool
        Accepted and without effect; worker processes pickle everything.
    inline_threads : int, optional
        Accepted and without effect: a UDF may start as many threads as there are cores.
    main_process_gpu : int or bool, optional
        None or False: results are merged by the CPU.

    Raises
    ------
    ExecutorSpecException
        If a GPU is asked for.
    """

    def __init__(
        self,
        debug: bool = False,  # noqa: ARG002
        inline_threads: int | None = None,  # noqa: ARG002
        main_process_gpu: int | bool | None = None,
    ) -> None:
        if main_process_gpu is not None and main_process_gpu is not False:
            raise ExecutorSpecException(f"main_process_gpu={main_process_gpu}: no GPUs are used")
        super().__init__(0)


def processes(workers: int | None) -> Executor:
    """Worker processes; one per core for None.

    Raises
    ------
    ParameterError
        If there would be none.
    """
    if workers is not None and workers < 1:
        raise ParameterError(f"workers={workers}: give at least 1; Context.inline() has none")
    return Executor(workers)


def named(
    name: str,
    cpus: int | Iterable[int] | None = None,
    gpus: int | Iterable[int] | None = None,
) -> Executor:
    """The executor that a user means by a name.

    Parameters
    ----------
    name : str
        ``"inline"`` or ``"synchronous"``: the calling thread. ``"threads"``, ``"dask"``,
        ``"pipelined"``: worker processes.
    cpus : int or iterable of int, optional
        How many workers, or one for each number listed.
    gpus : int or iterable of int, optional
        None, 0 or empty: there is no GPU work here.

    Raises
    ------
    ExecutorSpecException
        If there is no such name, or it is one that is not offered; if ``cpus`` or ``gpus``
        cannot be had with it.
    """
    known = (*INLINE, *PROCESSES)
    if name in REFUSED:
        raise ExecutorSpecException(
            f"executor {name!r} is not offered: {REFUSED[name]}; use one of {', '.join(known)}"
        )
    if name not in known:
        close = nearest(str(name), (*known, *REFUSED))
        hint = f"; did you mean {close!r}?" if close else ""
        raise ExecutorSpecException(f"unknown executor {name!r}{hint} (known: {', '.join(known)})")
    if name in (*INLINE, "threads") and gpus is not None:
        raise ExecutorSpecException(f"executor {name!r} takes no gpus, got gpus={gpus!r}")
    if _count("gpus", gpus):
        raise ExecutorSpecException(f"gpus={gpus!r}: no GPUs are used here; leave it out")
    if name in INLINE:
        if cpus is not None:
            raise ExecutorSpecException(
                f"executor {name!r} has no workers, got cpus={cpus!r}; leave it out, or use "
                "'threads'"
            )
        return InlineExecutor()
    count = _count("cpus", cpus)
    if count == 0:
        raise ExecutorSpecException(f"cpus={cpus!r} leaves no worker; give at least 1")
    return Executor(count)


def _count(what: str, given: int | Iterable[int] | None) -> int | None:
    if given is None:
        return None
    try:
        count = given if isinstance(given, int) else len(tuple(given))
    except TypeError:
        count = -1
    if count < 0:
        raise ExecutorSpecException(f"{what}={given!r} is neither a number nor a list of numbers")
    return count
