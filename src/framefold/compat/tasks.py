"""Classes that code for LiberTEM's executors derives from or catches; nothing here calls them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from queue import Empty
from typing import Any, Protocol, Self

from framefold.errors import RunFailedError


class ExecutorError(RunFailedError):
    """An executor that cannot go on."""


class WorkerQueueEmpty(Empty):
    """Nothing came in time."""


class WorkerQueue(ABC):
    """A channel from the main process to a worker."""

    @abstractmethod
    def put(self, header: Any, payload: Any = None) -> None:
        """Send a message."""

    @abstractmethod
    def put_nocopy(self, header: Any, size: int) -> AbstractContextManager[memoryview]:
        """Send a message whose payload is written in place."""

    @abstractmethod
    def get(
        self, block: bool = True, timeout: float | None = None
    ) -> AbstractContextManager[tuple[Any, memoryview]]:
        """The next message."""


class WorkerContext:
    """What a task may use of its worker."""

    def get_worker_queue(self) -> WorkerQueue:
        """The channel from the main process.

        Raises
        ------
        NotImplementedError
            Always: frames reach workers as blocks.
        """
        raise NotImplementedError("there are no worker queues; write a framefold reader instead")

    def signal(self, ident: str, topic: str, msg_dict: dict[str, Any]) -> None:
        """Send a message to the main process; nobody listens."""


class TaskProtocol(Protocol):
    """Something a worker can be asked to do."""

    def __call__(self, params: Any, env: Environment) -> Any:
        """Do it."""


class TaskCommHandler:
    """Feeds tasks while they run."""

    def start(self) -> None:
        """Before the first task."""

    def handle_task(self, task: Any, queue: WorkerQueue) -> None:
        """Send what a task needs."""

    def done(self) -> None:
        """After the last task."""

    def subscribe(self, topic: str, callback: Callable[[str, dict[str, Any]], None]) -> None:
        """Be told of messages."""


class NoopCommHandler(TaskCommHandler):
    """Feeds nothing."""


@dataclass(frozen=True)
class Environment:
    """What a task runs in.

    Parameters
    ----------
    threads_per_worker : int or None
        How many threads it may start.
    threaded_executor : bool
        Whether it shares its process with other tasks.
    worker_context : WorkerContext or None
    """

    threads_per_worker: int | None = None
    threaded_executor: bool = False
    worker_context: WorkerContext | None = None

    @contextmanager
    def enter(self) -> Iterator[Self]:
        """Set the limits; workers of framefold have theirs from their start."""
        yield self
