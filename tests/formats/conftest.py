"""Workers that the conformance tests of a file share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framefold.api import Context


@pytest.fixture(scope="module")
def shared_workers() -> Iterator[Context]:
    """Two of them."""
    with Context(workers=2) as context:
        yield context
