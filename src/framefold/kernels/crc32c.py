"""CRC-32C (Castagnoli) of bytes: what a sender can put beside pixels, to have damage noticed.

Eight bytes at a time through eight tables ("slicing by 8"); polynomial 0x1EDC6F41, reflected, as in
iSCSI (RFC 3720, appendix B.4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel

_REFLECTED = np.uint32(0x82F63B78)


def _tables() -> NDArray[np.uint32]:
    tables = np.zeros((8, 256), np.uint32)
    value = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        value = np.where(value & 1, (value >> 1) ^ _REFLECTED, value >> 1)
    tables[0] = value
    for i in range(1, 8):
        tables[i] = (tables[i - 1] >> 8) ^ tables[0][tables[i - 1] & 255]
    return tables


_TABLES = _tables()


@kernel
def crc32c(memory: NDArray[np.uint8], start: int, size: int) -> int:
    """The checksum of a piece of memory.

    Parameters
    ----------
    memory : ndarray of uint8
    start, size : int
        Where the piece is; the caller sees that it is within [bytes].

    Returns
    -------
    int
        From 0 to 2**32 - 1.
    """
    crc = np.uint32(0xFFFFFFFF)
    at = start
    end = start + size
    while at + 8 <= end:
        crc ^= (
            np.uint32(memory[at])
            | np.uint32(memory[at + 1]) << np.uint32(8)
            | np.uint32(memory[at + 2]) << np.uint32(16)
            | np.uint32(memory[at + 3]) << np.uint32(24)
        )
        crc = (
            _TABLES[7, crc & np.uint32(255)]
            ^ _TABLES[6, (crc >> np.uint32(8)) & np.uint32(255)]
            ^ _TABLES[5, (crc >> np.uint32(16)) & np.uint32(255)]
            ^ _TABLES[4, crc >> np.uint32(24)]
            ^ _TABLES[3, memory[at + 4]]
            ^ _TABLES[2, memory[at + 5]]
            ^ _TABLES[1, memory[at + 6]]
            ^ _TABLES[0, memory[at + 7]]
        )
        at += 8
    while at < end:
        crc = (crc >> np.uint32(8)) ^ _TABLES[0, (crc ^ memory[at]) & np.uint32(255)]
        at += 1
    return int(crc ^ np.uint32(0xFFFFFFFF))


def warm() -> None:
    """Compile, or load from numba's cache, what is here."""
    crc32c(np.frombuffer(b"x", np.uint8), 0, 1)
