"""``libertem.executor.pipelined``: worker processes."""

from framefold.compat.executors import PipelinedExecutor

__all__ = ["PipelinedExecutor"]
