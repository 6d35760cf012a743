"""Bytes that object to being read anywhere but where they may be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Guarded:
    """Stands for an array in a kernel that runs as plain Python."""

    def __init__(self, content: bytes, start: int = 0, end: int | None = None) -> None:
        self._content: NDArray[np.uint8] = np.frombuffer(content, np.uint8)
        self._allowed = range(start, len(content) if end is None else end)

    def __getitem__(self, place: int) -> int:
        assert place in self._allowed, f"byte {place} was read, not in {self._allowed}"
        return int(self._content[place])
