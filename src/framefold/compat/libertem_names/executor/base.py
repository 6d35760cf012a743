"""``libertem.executor.base``: what executors are made of."""

from framefold.api import Executor as BaseJobExecutor
from framefold.api import Executor as JobExecutor
from framefold.compat.tasks import ExecutorError

__all__ = ["BaseJobExecutor", "ExecutorError", "JobExecutor"]
