"""Packed frames of Medipix3 chips as the Merlin readout makes them, by plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHIP = 256
"""Pixels of a row of one chip."""


def packed(frame: NDArray[Any], bits: int) -> bytes:
    """One frame as the readout packs it: groups of eight bytes in reversed order."""
    if min(frame.shape) >= 2 * CHIP:
        frame = _as_stored(frame)
    if bits == 1:
        ordered = np.packbits(frame.reshape(-1, 64)[:, ::-1] != 0, axis=1)
        return ordered.tobytes()
    if bits == 24:
        return _words(frame >> 12) + _words(frame & 0xFFF)
    if bits == 6:
        return frame.reshape(-1, 8)[:, ::-1].astype("u1").tobytes()
    return _words(frame)


def _words(frame: NDArray[Any]) -> bytes:
    """12 bits in 16, four of them in reversed order."""
    return frame.reshape(-1, 4)[:, ::-1].astype(">u2").tobytes()


def _as_stored(frame: NDArray[Any]) -> NDArray[Any]:
    """Four chips side by side, the fourth first; the lower two are upside down."""
    top, bottom = frame[:CHIP], frame[-CHIP:]
    return np.hstack(
        [
            bottom[::-1, ::-1][:, :CHIP],
            bottom[::-1, ::-1][:, -CHIP:],
            top[:, -CHIP:],
            top[:, :CHIP],
        ]
    )
