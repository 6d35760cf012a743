"""The checksum of HDF5's metadata (Jenkins' lookup3), of many bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel


@kernel
def lookup3(data: NDArray[np.uint8]) -> int:
    """The checksum of some bytes.

    Parameters
    ----------
    data : ndarray of uint8, shape (bytes,)

    Notes
    -----
    Bob Jenkins, "lookup3", 2006 (public domain), with 0 as its initial value, as the HDF5 File
    Format Specification names it.
    """
    length = len(data)
    a = b = c = np.uint32((0xDEADBEEF + length) & 0xFFFFFFFF)
    words = np.zeros(3, np.uint32)
    at = 0
    while at < length:
        words[:] = 0
        for i in range(min(12, length - at)):
            words[i // 4] |= np.uint32(data[at + i]) << np.uint32(8 * (i % 4))
        a, b, c = _add(a, words[0]), _add(b, words[1]), _add(c, words[2])
        at += 12
        if at < length:
            for by in (4, 6, 8, 16, 19, 4):
                a = _sub(a, c) ^ _turned(c, by)
                c = _add(c, b)
                a, b, c = b, c, a
    if length:
        for by in (14, 11, 25, 16, 4, 14, 24):
            c = _sub(c ^ b, _turned(b, by))
            a, b, c = b, c, a
        return int(b)
    return int(c)


@kernel
def _add(a: np.uint32, b: np.uint32) -> np.uint32:
    return np.uint32(a + b)


@kernel
def _sub(a: np.uint32, b: np.uint32) -> np.uint32:
    return np.uint32(a - b)


@kernel
def _turned(value: np.uint32, by: int) -> np.uint32:
    return np.uint32((value << np.uint32(by)) | (value >> np.uint32(32 - by)))


def warm() -> None:
    """Compile it, or load it from numba's cache on disk."""
    lookup3(np.zeros(1, np.uint8))
