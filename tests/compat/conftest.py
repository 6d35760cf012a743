"""The names of LiberTEM, lent for one test module and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framefold import compat


@pytest.fixture(scope="module")
def names() -> Iterator[None]:
    """``import libertem`` finds framefold."""
    compat.activate()
    try:
        yield
    finally:
        compat.deactivate()
