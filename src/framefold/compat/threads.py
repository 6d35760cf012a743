"""How many threads libraries may use, under LiberTEM's names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from framefold.processes.launcher import ONE_THREAD
from framefold.registry import load_target


@contextmanager
def set_num_threads(n: int | None) -> Iterator[None]:
    """Limit what linear algebra and OpenMP use, where threadpoolctl is installed.

    Parameters
    ----------
    n : int or None
        How many threads; None leaves them as they are.
    """
    try:
        # an optional dependency: the workers of framefold have one thread from their start
        limits = load_target("threadpoolctl:threadpool_limits")
    except ImportError:
        limits = None
    if n is None or limits is None:
        yield
        return
    with limits(n):
        yield


@contextmanager
def set_num_threads_env(n: int | None = 1) -> Iterator[None]:
    """Have libraries that are imported, and processes that are started, use ``n`` threads."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update({name: str(n) for name in ONE_THREAD} if n is not None else {})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
