"""The scan of a Merlin recording, from all that its files say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.merlin_header import FrameHeader
from framefold.core.scan_shapes import Confidence, Guess

_CLOCK = re.compile(r"(\d+):(\d+):(\d+)(?:\.(\d+))?Z?$")

_DAY = 24 * 3600 * 10**9

_LONGER = 1.2
"""An exposure that is longer than others by this factor is another kind of exposure."""

_LATER = 1e-5
"""A pause that is longer than others by this part of them is one; their clocks are better."""


def hints(frames: int, hdr: Mapping[str, str], sample: Sequence[FrameHeader]) -> tuple[Guess, ...]:
    """Scan shapes that a recording suggests.

    Parameters
    ----------
    frames : int
        Frames found or promised, whichever is more.
    hdr : mapping
        What the file beside the recording says.
    sample : sequence of FrameHeader
        Headers of the first frames, without a gap.

    Returns
    -------
    tuple of Guess
        From the scan size in the .hdr file; long exposures, which are those of flyback; pauses
        between lines; frames per trigger; none if there is nothing.
    """
    return tuple(_hints(frames, hdr, sample))


def told_by_hdr(frames: int | None, hdr: Mapping[str, str]) -> Guess | None:
    """The scan that an acquisition header alone tells, before there are frames.

    Parameters
    ----------
    frames : int or None
        Frames promised; None if they go on for ever.
    hdr : mapping
        What the header says.
    """
    width, lines = _number(hdr, "ScanX"), _number(hdr, "ScanY")
    if width and lines:
        return _told(width * lines if frames is None else frames, width, lines)
    burst = _number(hdr, "Frames per Trigger")
    if frames is None or not 1 < burst < frames or frames % burst:
        return None
    return _by_triggers(frames, burst)


def _by_triggers(frames: int, burst: int) -> Guess:
    shape = (frames // burst, burst)
    return Guess(shape, f"{shape[0]} triggers of {burst} frames each", "medium")


def _hints(frames: int, hdr: Mapping[str, str], sample: Sequence[FrameHeader]) -> Iterator[Guess]:
    width, lines = _number(hdr, "ScanX"), _number(hdr, "ScanY")
    if width and lines:
        yield _told(frames, width, lines)
    if not sample:
        return
    yield from _by_exposure(frames, sample)
    yield from _by_time(frames, sample)
    burst = _number(hdr, "Frames per Trigger")
    if 1 < burst < frames and not frames % burst:
        yield _by_triggers(frames, burst)
    if hdr.get("Trigger Start") == "Internal" and not width:
        yield Guess((frames,), "triggered by the readout itself, no scan engine seen", "medium")


def _told(frames: int, width: int, lines: int) -> Guess:
    """ScanX and ScanY, and how many frames there are."""
    told = f"ScanX {width} and ScanY {lines} of the .hdr file"
    size = width * lines
    surplus = frames - size
    if surplus > 0 and not frames % size and surplus // lines >= width:
        return Guess((frames // size, lines, width), f"{told}, {frames // size} times", "high")
    for rows in (lines, lines - 1):
        if surplus > 0 and rows > 0 and not surplus % rows:
            extra = surplus // rows
            reason = f"{told}; {frames} frames leave {extra} for the flyback of each line"
            return Guess((lines, width), reason, "high", flyback=extra)
    sure: Confidence = "medium" if surplus > 0 else "high"
    more = f"; {surplus} frames are left over" if surplus > 0 else ""
    return Guess((lines, width), told + more, sure)


def _by_exposure(frames: int, sample: Sequence[FrameHeader]) -> Iterator[Guess]:
    """A gated detector exposes as long as the beam flies back."""
    shutters = [header.shutter_ns for header in sample]
    exposures = np.array([0 if n is None else n for n in shutters], dtype=np.float64)
    long = np.flatnonzero(exposures > _LONGER * np.median(exposures))
    period = _period(long, len(sample))
    if period is None or period < 3:
        return
    first = int(long[0])
    lead_in = (first + 1) % period
    lines = (frames - lead_in + 1) // period
    sure: Confidence = "high" if len(long) > 2 else "medium"
    reason = f"every {period}th frame is exposed longer: flyback"
    yield Guess((lines, period - 1), reason, sure, flyback=1, lead_in=lead_in)


def _by_time(frames: int, sample: Sequence[FrameHeader]) -> Iterator[Guess]:
    """A scan engine that waits behind each line makes a pause there."""
    moments = _moments(sample)
    if moments is None:
        return
    steps = np.diff(moments)
    usual = float(np.median(steps)) if len(steps) > 2 else 0.0
    if usual <= 0:
        return
    spread = usual - float(steps.min())
    late = np.flatnonzero(steps > usual + max(_LATER * usual, 3 * spread)) + 1
    # the first pause stands behind the first line, so the period is known from one of them
    period = _period(late, len(sample), first=True)
    if period is None or period < 2 or frames % period:
        return
    sure: Confidence = "high" if len(late) > 2 else "medium"
    reason = f"by the frames' clocks there is a pause behind each {period} frames"
    yield Guess((frames // period, period), reason, sure)


def _period(places: NDArray[Any], count: int, *, first: bool = False) -> int | None:
    """The distance of events that come at equal distances, all along; None if they do not."""
    if not len(places) or (len(places) < 2 and not first):
        return None
    period = int(places[0] if first else places[1] - places[0])
    expected = np.arange(int(places[0]), count, period) if period > 0 else np.empty(0)
    if first and len(places) == 1 and count != 2 * period:
        return None  # a single pause could be anything, unless it parts the recording in halves
    return period if np.array_equal(places, expected) and int(places[0]) <= period else None


def _moments(sample: Sequence[FrameHeader]) -> NDArray[np.int64] | None:
    """Time of each frame [ns]; None if one has none."""
    found = []
    for header in sample:
        match = _CLOCK.search(header.time)
        if match is None:
            return None
        hours, minutes, seconds = (int(match[i]) for i in (1, 2, 3))
        part = int((match[4] or "").ljust(9, "0")[:9])
        found.append(((hours * 60 + minutes) * 60 + seconds) * 10**9 + part)
    moments = np.array(found, dtype=np.int64)
    past_midnight = np.cumsum(np.diff(moments, prepend=moments[0]) < -_DAY // 2)
    moments += _DAY * past_midnight
    return moments


def _number(hdr: Mapping[str, str], name: str) -> int:
    text = hdr.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
