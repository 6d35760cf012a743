"""``libertem.common.executor``: what executors are made of."""

from framefold.api import Executor as JobExecutor
from framefold.compat.tasks import (
    Environment,
    ExecutorError,
    NoopCommHandler,
    TaskCommHandler,
    TaskProtocol,
    WorkerContext,
    WorkerQueue,
    WorkerQueueEmpty,
)
from framefold.errors import JobCancelledError

__all__ = [
    "Environment",
    "ExecutorError",
    "JobCancelledError",
    "JobExecutor",
    "NoopCommHandler",
    "TaskCommHandler",
    "TaskProtocol",
    "WorkerContext",
    "WorkerQueue",
    "WorkerQueueEmpty",
]
