"""Scratch: memory a codec works in, one piece for each thread, kept from call to call."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64


class _Scratch(threading.local):
    """The piece of this thread; the class attributes are what a new thread begins with."""

    memory: NDArray[np.uint8] = np.empty(0, np.uint8)
    start: int = 0
    size_bytes: int = 0


_scratch = _Scratch()  # written by: each thread its own


def scratch(size_bytes: int) -> int:
    """Address of at least so many bytes, undefined, aligned to a cache line.

    They belong to this thread and stay valid until it asks for more than ever before.
    """
    if _scratch.size_bytes < size_bytes:
        _scratch.memory = np.empty(size_bytes + _ALIGNMENT, np.uint8)
        _scratch.start = -(-_scratch.memory.ctypes.data // _ALIGNMENT) * _ALIGNMENT
        _scratch.size_bytes = size_bytes
    return _scratch.start
