"""A context with workers for all end-to-end tests of a process, and detectors to send at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from framefold.api import Context
from framefold_simulators.sender import Sender


@pytest.fixture(scope="session")
def workers() -> Iterator[Context]:
    """Two workers, shared by the tests of this process."""
    with Context(workers=2) as ctx:
        yield ctx


@pytest.fixture(scope="session")
def inline() -> Iterator[Context]:
    """No workers."""
    with Context.inline() as ctx:
        yield ctx


@pytest.fixture
def detector() -> Iterator[Callable[..., Sender]]:
    """Starts senders of messages, and ends them."""
    senders: list[Sender] = []

    def start(messages: Any, **options: Any) -> Sender:
        sender = Sender(messages, **options)
        senders.append(sender)
        return sender.start()

    yield start
    for sender in senders:
        sender.close(0)
