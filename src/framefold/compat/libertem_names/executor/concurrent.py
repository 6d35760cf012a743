"""``libertem.executor.concurrent``: worker processes under the name of threads."""

from framefold.compat.executors import ConcurrentJobExecutor

__all__ = ["ConcurrentJobExecutor"]
