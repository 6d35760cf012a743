"""Timepix3 recordings (.tpx3): hits with a time each, counted into frames by when they came."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError, ParameterError, nearest
from framefold.formats.files import FileDataSet
from framefold.formats.opened import FileIdentity, held_open
from framefold.formats.request import Request, whole
from framefold.formats.shapes import MAX_FRAMES
from framefold.formats.stack import Stack, one_segment
from framefold.formats.tpx3_frames import EventFrames
from framefold.formats.tpx3_packets import EDGES, NEVER, UNIT, index_packets

SUMMARY = "Timepix3 events"

_STEP = 1 << 16
"""Words between two places at which a worker can begin to read: 512 KiB."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file begins with the header of a chunk of packets."""
    with Path(path).open("rb") as file:
        start = file.read(8)
    return "starts with TPX3" if len(start) == 8 and start[:4] == b"TPX3" else None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    trigger: str | None = None,
    edge: str = "tdc1-rising",
    frame_time: float | None = None,
    chip: int | None = None,
    gap: int = 0,
) -> FileDataSet:
    """Timepix3 events as a data set of counts.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said. ``nav_shape`` is needed where a trigger stands for a line.
    trigger : {"frame", "line", "none"}, optional
        What a pulse on the trigger input begins. ``"frame"`` if the file has any, else
        ``"none"``: everything is one frame, or frames of ``frame_time`` from the first hit.
    edge : str
        Which pulses count: ``"tdc1-rising"``, ``"tdc1-falling"``, ``"tdc2-rising"``,
        ``"tdc2-falling"``.
    frame_time : float, optional
        How long a frame takes [s]; until the next one begins when left out.
    chip : int, optional
        Take this chip alone, 256 x 256 pixels; all of them when left out.
    gap : int
        Pixels to leave blank between the four chips of a quad [pixels].

    Raises
    ------
    DataError
        If there is no packet of a chip that is asked for.
    ParameterError
        If an option makes no sense, or does not go with the file.
    """
    identity = FileIdentity.of(path)
    _check(trigger, edge, frame_time)
    words = held_open(identity).mapped()[: identity.size // 8 * 8].view("<u8")
    if understands(path) is None:
        raise DataError(f"{identity.path} does not start with a chunk of Timepix3 packets")
    found = _index(words, EDGES[edge])
    side = _side(identity, found.chips, chip, whole("gap", gap))
    starts, stops, reason = _frames(identity, request, found, trigger, frame_time)
    nav: tuple[int, ...] | None = None
    if len(starts) == 1:
        nav = (1,)
    elif trigger == "line" and request.nav_shape:
        nav = request.nav_shape
    storage = EventFrames(
        identity, found.table, starts, stops, -1 if chip is None else chip, side, gap
    )
    stray = f"{found.strays} of {len(words)} words belong to no chunk of packets"
    return Stack(
        identity,
        "tpx3",
        "starts with TPX3",
        (side, side),
        np.dtype("u4"),
        one_segment(storage),
        len(starts),
        nav_shape=nav,
        nav_reason=reason,
        codec="events",
        problems=(stray,) if found.strays else (),
        metadata={"hits": found.hits, "triggers": len(found.edges)},
    ).data_set(request)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a walk through the packets found: entry points, trigger times, counts."""

    table: NDArray[np.int64]
    edges: NDArray[np.int64]
    hits: int
    chips: int
    strays: int


def _check(trigger: str | None, edge: str, frame_time: float | None) -> None:
    if trigger not in (None, "frame", "line", "none"):
        raise ParameterError(f'trigger={trigger!r}: "frame", "line" or "none"')
    if edge not in EDGES:
        meant = nearest(str(edge), EDGES) or "one of " + ", ".join(EDGES)
        raise ParameterError(f"edge={edge!r}: did you mean {meant}?")
    if frame_time is not None and not frame_time >= UNIT:
        raise ParameterError(f"frame_time={frame_time!r} is shorter than a tick of the clock [s]")


def _index(words: NDArray[np.uint64], edge: int) -> _Found:
    table = np.zeros((len(words) // _STEP + 2, 4), dtype=np.int64)
    edges = np.empty(1 << 12, dtype=np.int64)
    while True:
        entries, triggers, hits, chips, strays = index_packets(words, _STEP, edge, table, edges)
        if triggers <= len(edges):
            break
        edges = np.empty(triggers, dtype=np.int64)
    # the last entry ends with the file
    table = np.concatenate([table[:entries], [[len(words), 0, NEVER, NEVER]]])
    return _Found(table, np.sort(edges[:triggers]), int(hits), int(chips), int(strays))


def _side(identity: FileIdentity, chips: int, chip: int | None, gap: int) -> int:
    """Rows, and columns, of a frame."""
    if gap < 0 or gap > 64:
        raise ParameterError(f"gap={gap}; a quad has 0 to 64 pixels between its chips")
    if chip is not None:
        if not 0 <= whole("chip", chip) < 256:
            raise ParameterError(f"chip={chip}; they are numbered from 0")
        return 256
    if chips <= 1:
        return 256
    if chips < 1 << 4:
        return 512 + gap
    numbers = [n for n in range(32) if chips >> n & 1]
    raise DataError(
        f"{identity.path} has hits of the chips {numbers}; how more than four of them are placed "
        "is not known: take one alone with chip="
    )


def _frames(
    identity: FileIdentity,
    request: Request,
    found: _Found,
    trigger: str | None,
    frame_time: float | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """When frames begin and end [units], and why so."""
    trigger = trigger or ("frame" if len(found.edges) else "none")
    edges = found.edges
    if trigger != "none" and not len(edges):
        raise ParameterError(
            f"{identity.path} has no such trigger; choose another edge=, or frame_time="
        )
    ticks = None if frame_time is None else round(frame_time / UNIT)
    if trigger == "none":
        return _unbidden(found, ticks)
    usual = int(np.median(np.diff(edges))) if len(edges) > 1 else 1 << 61
    stops = np.append(edges[1:], edges[-1] + max(usual, 1))
    if trigger == "line":
        columns = request.nav_shape[-1] if request.nav_shape else -1
        if columns < 1:
            raise ParameterError(
                "trigger='line' needs nav_shape with the number of positions in a line, "
                "e.g. nav_shape=(-1, 256)"
            )
        each = ticks or max(1, usual // columns)
        starts = (edges[:, None] + each * np.arange(columns)).reshape(-1)
        ends = np.minimum(starts + each, np.repeat(stops, columns))
        # a line that is shorter than its positions has none left for the last of them
        return np.maximum.accumulate(starts), ends, f"{len(edges)} lines of {columns} positions"
    if ticks is not None:
        stops = np.minimum(stops, edges + ticks)
    return edges, stops, f"{len(edges)} triggers, a frame each"


def _unbidden(found: _Found, ticks: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Frames without triggers: one, or as many of a length as there are hits in."""
    if ticks is None or not found.hits:
        one = np.array([-NEVER]), np.array([NEVER])
        return *one, "no trigger and no frame_time: everything is one frame"
    first, last = int(found.table[:-1, 2].min()), int(found.table[:-1, 3].max())
    count = (last - first) // ticks + 1
    if count > MAX_FRAMES:
        raise ParameterError(f"frame_time of {ticks * UNIT:g} s would make {count} frames")
    starts = first + ticks * np.arange(count, dtype=np.int64)
    return starts, starts + ticks, f"frames of {ticks * UNIT:g} s from the first hit"
