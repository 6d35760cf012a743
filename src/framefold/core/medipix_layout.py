"""Sizes of packed Medipix frames; apart from the codec, so that headers are read without numba."""

from __future__ import annotations

CHIP = 256
"""Pixels of a row of one chip."""

DEPTHS = (1, 6, 12, 24)
"""Bits of a counter that the readout knows."""


def encoded_bytes(pixels: int, depth: int) -> int:
    """Length of an encoded frame [bytes].

    Parameters
    ----------
    pixels : int
        Pixels of the chips, gaps between them not counted.
    depth : int
        Bits of a counter.
    """
    return pixels * {1: 1, 6: 8, 12: 16, 24: 32}[depth] // 8
