"""Timepix3 packets: what they mean, where the file can be entered, which frame a hit belongs to.

Words of 8 bytes, little-endian. A chunk is a header (``TPX3``, chip number, mode, size in bytes)
and as many bytes of packets of one chip. A packet's upper four bits tell its kind: 0xb a hit, 0x6
an edge on a trigger input, 0x4 the detector's clock. Times are counted here in units of 1.5625 ns,
the resolution of a hit.
Source: Nikhef SPIDR and Timepix3 manuals, as published with the packet tables of ASI's SERVAL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import inlined, kernel

UNIT = 1.5625e-9
"""What times are counted in [s]."""

MAGIC = 0x33585054
"""``TPX3`` as the lower half of a word."""

EDGES = {"tdc1-rising": 0xF, "tdc1-falling": 0xA, "tdc2-rising": 0xE, "tdc2-falling": 0xB}
"""Trigger inputs: name -> second hexadecimal digit of their packets."""

_HIT_PERIOD = 1 << 34  # 16 bits of 409.6 us: 26.8 s
_EDGE_PERIOD = 1 << 36  # 35 bits of 3.125 ns: 107 s
NEVER = 1 << 62


@inlined
def _unwrapped(raw: int, period: int, near: int) -> int:
    """The time that is ``raw`` but for whole periods, and nearest to another one."""
    half = period >> 1
    return near + ((raw - near + half) & (period - 1)) - half


@inlined
def _hit_time(word: int) -> int:
    coarse = (word >> 30) & 0x3FFF
    fine = (word >> 16) & 0xF
    # the fine counter runs backwards
    return ((word & 0xFFFF) << 18) + (coarse << 4) - fine


@kernel
def index_packets(
    words: NDArray[np.uint64],
    step: int,
    edge: int,
    table: NDArray[np.int64],
    edges: NDArray[np.int64],
) -> tuple[int, int, int, int, int]:
    """Walk through a file once.

    Parameters
    ----------
    words : ndarray of uint64
        The file.
    step : int
        Words after which an entry point is made, at the next chunk.
    edge : int
        Second digit of the trigger packets that are collected.
    table : ndarray of int64, shape (entries, 4)
        Filled: word where an entry begins, clock there, earliest and latest hit up to the next.
    edges : ndarray of int64
        Filled with the times of the triggers, as many as fit.

    Returns
    -------
    tuple of int
        Entries, triggers (also those that did not fit), hits, bit mask of the chips,
        words that belong to no chunk.
    """
    entries, triggers, hits, chips, strays = 0, 0, 0, 0, 0
    clock, low = 0, -1
    at, size = 0, len(words)
    while at < size:
        head = int(np.int64(words[at]))
        if (head & 0xFFFFFFFF) != MAGIC:
            strays += 1
            at += 1
            continue
        count = ((head >> 48) & 0xFFFF) >> 3
        chip = (head >> 32) & 0xFF
        if chip < 32:
            chips |= 1 << chip
        far = entries > 0 and at - table[entries - 1, 0] >= step and entries < len(table)
        if entries == 0 or (far and low < 0):  # not between the halves of the clock
            table[entries, 0], table[entries, 1] = at, clock
            table[entries, 2], table[entries, 3] = NEVER, -NEVER
            entries += 1
        end = min(size, at + 1 + count)
        at += 1
        while at < end:
            word = int(np.int64(words[at]))
            kind = (word >> 60) & 0xF
            if kind == 0xB:
                time = _unwrapped(_hit_time(word), _HIT_PERIOD, clock)
                clock = max(clock, time)
                table[entries - 1, 2] = min(table[entries - 1, 2], time)
                table[entries - 1, 3] = max(table[entries - 1, 3], time)
                hits += 1
            elif kind == 0x6:
                if ((word >> 56) & 0xF) == edge:
                    time = _unwrapped(((word >> 9) & 0x7FFFFFFFF) << 1, _EDGE_PERIOD, clock)
                    if triggers < len(edges):
                        edges[triggers] = time
                    triggers += 1
            elif kind == 0x4:
                clock, low = _clock(word, clock, low)
            at += 1
    return entries, triggers, hits, chips, strays


@inlined
def _clock(word: int, clock: int, low: int) -> tuple[int, int]:
    """The detector's clock after one of its packets; the lower 32 bits come first."""
    digit = (word >> 56) & 0xF
    if digit == 0x4:
        return clock, (word >> 16) & 0xFFFFFFFF
    if digit == 0x5 and low >= 0:
        told = (low + (((word >> 16) & 0xFFFF) << 32)) << 4
        # a damaged clock must not throw all later hits out of the scan
        return (told if 0 <= told - clock < (1 << 46) else clock), -1
    return clock, low


@kernel
def count_hits(
    words: NDArray[np.uint64],
    clock: int,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    rows: NDArray[np.int64],
    chip_wanted: int,
    side: int,
    gap: int,
    out: NDArray[Any],
) -> None:
    """Count the hits of a stretch of a file into frames.

    Parameters
    ----------
    words : ndarray of uint64
        From one entry point of `index_packets` to another.
    clock : int
        The clock at its beginning.
    starts, stops : ndarray of int64, shape (frames,)
        When each frame begins and ends; ascending.
    rows : ndarray of int64, shape (frames,)
        Which row of ``out`` a frame is; -1 for none.
    chip_wanted : int
        The chip to take alone; -1 for all.
    side, gap : int
        Columns of a frame, and pixels between two chips [pixels].
    out : ndarray, shape (rows, pixels)
        Added to.
    """
    low = -1
    at, size = 0, len(words)
    while at < size:
        head = int(np.int64(words[at]))
        if (head & 0xFFFFFFFF) != MAGIC:
            at += 1
            continue
        end = min(size, at + 1 + (((head >> 48) & 0xFFFF) >> 3))
        chip = (head >> 32) & 0xFF
        at += 1
        while at < end:
            word = int(np.int64(words[at]))
            at += 1
            kind = (word >> 60) & 0xF
            if kind == 0x4:
                clock, low = _clock(word, clock, low)
            if kind != 0xB:
                continue
            time = _unwrapped(_hit_time(word), _HIT_PERIOD, clock)
            clock = max(clock, time)
            frame = int(np.searchsorted(starts, time, side="right")) - 1
            if frame < 0 or time >= stops[frame] or rows[frame] < 0:
                continue
            pixel = _pixel((word >> 44) & 0xFFFF, chip, chip_wanted, side, gap)
            if pixel >= 0:
                out[rows[frame], pixel] += 1


@inlined
def _pixel(address: int, chip: int, wanted: int, side: int, gap: int) -> int:
    """Place of a hit in a frame; -1 for a chip that is not part of it.

    Double column (7 bits), super pixel of four rows (6 bits), pixel of 2x4 (3 bits). Of four chips
    0 and 3 lie below, 1 and 2 above and turned by half a turn; 0 and 1 on the right.
    """
    column = ((address >> 9) << 1) + ((address & 7) >> 2)
    row = (((address >> 3) & 0x3F) << 2) + (address & 3)
    if side == 256:
        return row * 256 + column if wanted in (-1, chip) else -1
    if chip > 3:
        return -1
    if chip in (1, 2):
        column, row = 255 - column, 255 - row + 256 + gap
    if chip in (0, 1):
        column += 256 + gap
    return row * side + column
