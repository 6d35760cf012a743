"""Frames as the Merlin readout writes them, by plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(frame: NDArray[Any], depth: int) -> bytes:
    """One frame in the raw form, chips side by side as they are given."""
    if depth == 1:
        bits = frame.reshape(-1, 64).astype(np.uint64)
        words = (bits << np.arange(64, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
        return words.astype(">u8").tobytes()
    if depth == 6:
        return frame.reshape(-1, 8)[:, ::-1].astype("u1").tobytes()
    if depth == 12:
        return frame.reshape(-1, 4)[:, ::-1].astype(">u2").tobytes()
    return packed(frame >> 12, 12) + packed(frame & 0xFFF, 12)


def quad_as_stored(frame: NDArray[Any], gap: int = 0) -> NDArray[Any]:
    """A frame of four chips as rows of all four: the fourth, third, second and first."""
    rows = (frame.shape[0] - gap) // 2
    first, second = frame[:rows, :256], frame[:rows, -256:]
    third, fourth = frame[-rows:, :256], frame[-rows:, -256:]
    return np.hstack([fourth[::-1, ::-1], third[::-1, ::-1], second, first])
