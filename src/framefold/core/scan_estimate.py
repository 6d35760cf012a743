"""Scan estimate: line length and offset of a scan, from the brightness of its frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError

FEWEST_FRAMES = 64
SHORTEST_LINE = 4
NEAR = 2
HARMONIC = 0.9
"""A line of a fraction of the length must be as like its next one as this, times the best."""


@dataclass(frozen=True, slots=True)
class ScanEstimate:
    """What the brightness of frames tells of their scan.

    Parameters
    ----------
    line : int
        Frames from the start of one line to the start of the next, flyback included.
    offset : int
        Frames before the first whole line begins, 0 to ``line - 1``: a ``sync_offset``.
    likeness : float
        Correlation of each line with the next, -1 to 1; little says that it is no scan of lines.
    step : float
        How much larger the step between lines is than steps within; near 1, ``offset`` is chance.
    lines : int
        Whole lines behind the offset.
    """

    line: int
    offset: int
    likeness: float
    step: float
    lines: int


def estimated(sums: NDArray[np.float64]) -> ScanEstimate:
    """Line length and offset of a scan.

    Consecutive lines of a scan look alike, so that the brightness is like itself one line later;
    and from the end of a line to the start of the next it jumps.

    Parameters
    ----------
    sums : ndarray of float64, shape (frames,)
        A brightness for each frame, in the order in which they were taken; NaN where it is lost.

    Raises
    ------
    ParameterError
        If there are too few frames, or all are equally bright.
    """
    flat = np.asarray(sums, dtype=np.float64).reshape(-1)
    known = np.isfinite(flat)
    if np.count_nonzero(known) < FEWEST_FRAMES:
        raise ParameterError(
            f"{np.count_nonzero(known)} frames are too few to tell a scan; at least {FEWEST_FRAMES}"
        )
    values = np.where(known, flat, 0.0)
    values = np.where(known, values - values[known].mean(), 0.0)
    likeness = _likeness(values, known)
    longest = len(flat) // 2
    candidates = likeness[SHORTEST_LINE : longest + 1]
    if not np.isfinite(candidates).any():
        raise ParameterError("all frames are equally bright: nothing tells where lines begin")
    about = _line(likeness, longest)
    # of lengths that are about as good, the one that has all jumps in one column
    near = range(max(SHORTEST_LINE, about - NEAR), min(longest, about + NEAR) + 1)
    line = max(near, key=lambda length: (_offset(values, known, length)[1], -abs(length - about)))
    offset, step = _offset(values, known, line)
    return ScanEstimate(line, offset, float(likeness[line]), step, (len(flat) - offset) // line)


def _likeness(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Correlation of the brightness with itself some frames later, for each such distance."""
    size = 1 << int(2 * len(values) - 1).bit_length()
    ones = np.fft.rfft(known.astype(np.float64), size)
    wave, power = np.fft.rfft(values, size), np.fft.rfft(values * values, size)
    product = np.fft.irfft(wave * wave.conj(), size)[: len(values)]
    # what takes part: only pairs of which both are known
    first = np.fft.irfft(power.conj() * ones, size)[: len(values)]
    second = np.fft.irfft(ones.conj() * power, size)[: len(values)]
    scale = np.sqrt(np.maximum(first, 0) * np.maximum(second, 0))
    floor = 1e-9 * max(float(scale.max(initial=0.0)), 1e-300)
    found: NDArray[np.float64] = np.divide(
        product, scale, out=np.full(len(values), np.nan), where=scale > floor
    )
    return found


def _line(likeness: NDArray[np.float64], longest: int) -> int:
    """The shortest distance that is a peak about as high as any."""
    found = np.nan_to_num(likeness[: longest + 2], nan=-1.0)
    inner = found[1:-1]
    peaks = np.flatnonzero((inner >= found[:-2]) & (inner >= found[2:])) + 1
    peaks = peaks[(peaks >= SHORTEST_LINE) & (peaks <= longest)]
    if not len(peaks):
        return int(np.argmax(found[SHORTEST_LINE : longest + 1])) + SHORTEST_LINE
    best = found[peaks].max()
    good = peaks[found[peaks] >= (HARMONIC * best if best > 0 else best)]
    return int(good[0])


def _offset(values: NDArray[np.float64], known: NDArray[np.bool_], line: int) -> tuple[int, float]:
    """Where lines begin, and how much larger the step there is than elsewhere."""
    steps = np.abs(np.diff(values))
    there = known[:-1] & known[1:]
    columns = (np.arange(len(steps)) + 1) % line
    count = np.bincount(columns[there], minlength=line)
    total = np.bincount(columns[there], steps[there], minlength=line)
    mean = np.divide(total, count, out=np.zeros(line), where=count > 0)
    offset = int(np.argmax(mean))
    others = np.delete(mean, offset)
    usual = float(np.median(others)) if len(others) else 0.0
    return offset, float(mean[offset] / usual) if usual > 0 else float("inf")
