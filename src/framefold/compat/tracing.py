"""Tracing under LiberTEM's names: accepted, and nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


def maybe_setup_tracing(service_name: str, service_id: str | None = None) -> None:
    """Nothing."""


@contextmanager
def attach_to_parent(span_context: Any) -> Iterator[None]:  # noqa: ARG001
    """Nothing."""
    yield


class TracedThreadPoolExecutor(ThreadPoolExecutor):
    """A pool of threads.

    Parameters
    ----------
    tracer : object
        Ignored.
    *args, **kwargs
        As for ``ThreadPoolExecutor``.
    """

    def __init__(self, tracer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        super().__init__(*args, **kwargs)
