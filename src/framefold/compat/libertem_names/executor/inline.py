"""``libertem.executor.inline``: the calling thread."""

from framefold.api.executors import InlineExecutor as InlineJobExecutor

__all__ = ["InlineJobExecutor"]
