"""Ways to read files under LiberTEM's names: accepted by ``load``, and without effect."""

from __future__ import annotations

from typing import Any


class IOBackend:
    """How files would be read.

    Parameters
    ----------
    *args, **kwargs
        Whatever the backend takes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs


class MMapBackend(IOBackend):
    """By mapping them."""


class BufferedBackend(IOBackend):
    """Through buffers."""


class DirectBackend(IOBackend):
    """Past the cache of the operating system."""
