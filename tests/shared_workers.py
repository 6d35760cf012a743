"""Conformance tests whose runs share workers: to start two for each costs a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from framefold.api import Context
from framefold.testing import ReaderTests


class SharedWorkers(ReaderTests):
    """As they are, with the workers of the file."""

    @pytest.fixture(autouse=True)
    def _given(self, shared_workers: Context) -> None:
        self._workers = shared_workers

    @contextmanager
    def processes(self) -> Iterator[Context]:
        yield self._workers
