"""Memory between two pages that may not be touched: one byte too far ends the process."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
from numpy.typing import NDArray

_PAGE = mmap.PAGESIZE
_PROT_NONE = 0
_libc = ctypes.CDLL(None, use_errno=True)


class Fenced:
    """Some pages with a fence before and a fence behind them."""

    def __init__(self, size_bytes: int) -> None:
        inner = -(-size_bytes // _PAGE) * _PAGE
        self._map = mmap.mmap(-1, inner + 2 * _PAGE)
        self._all = np.frombuffer(self._map, np.uint8)
        for fence in (0, inner + _PAGE):
            address = ctypes.c_void_p(self._all.ctypes.data + fence)
            if _libc.mprotect(address, ctypes.c_size_t(_PAGE), _PROT_NONE) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self.pages = self._all[_PAGE : _PAGE + inner]

    def last(self, size_bytes: int) -> NDArray[np.uint8]:
        """So many bytes right before the fence behind."""
        return self.pages[len(self.pages) - size_bytes :]

    def first(self, size_bytes: int) -> NDArray[np.uint8]:
        """So many bytes right behind the fence before."""
        return self.pages[:size_bytes]

    def holding(self, data: bytes, *, at_end: bool = True) -> NDArray[np.uint8]:
        """A copy of some bytes next to one of the fences."""
        place = self.last(len(data)) if at_end else self.first(len(data))
        place[:] = np.frombuffer(data, np.uint8)
        return place
