"""One context for all rows that need a whole system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framefold.api import Context


@pytest.fixture(scope="session")
def ctx() -> Iterator[Context]:
    """Everything in this thread."""
    with Context.inline() as context:
        yield context


@pytest.fixture(scope="session")
def two_workers() -> Iterator[Context]:
    """Two worker processes."""
    with Context(workers=2) as context:
        yield context
