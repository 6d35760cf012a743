"""``libertem.executor.inline``: the calling thread."""

from framefold.compat.executors import InlineJobExecutor

__all__ = ["InlineJobExecutor"]
