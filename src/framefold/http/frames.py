"""Handler of frames on demand: the frame at a scan position, or the sum of the frames at some."""

from __future__ import annotations

import asyncio
import math

import numpy as np
from aiohttp import hdrs, web
from numpy.typing import NDArray

from framefold.core.coverage import PositionState
from framefold.core.picking import Picked
from framefold.core.snapshot import Channel, Snapshot
from framefold.errors import FrameNotHeldError
from framefold.http.observation import find
from framefold.http.ports import Run
from framefold.http.problems import Problem
from framefold.http.query import parameters
from framefold.http.results import array_facts, check_size, choose
from framefold.http.services import SERVICES
from framefold.representations.selection import OPTIONS as SELECTION
from framefold.representations.selection import select

FRAME = "frame"
"""Last part of the path."""

AT = "at"

MOST_BYTES = 1 << 30
"""Frames that are summed for one request may have so many bytes decoded."""

LOOKS = web.AppKey("looks", asyncio.Semaphore)
"""One at a time: looking must leave the cores to those who fold."""

_WHY = {
    PositionState.AWAITED: "it did not come yet",
    PositionState.MERGED: "it was processed and given up",
    PositionState.MISSING: "it never came",
    PositionState.CORRUPT: "it came damaged",
    PositionState.SET_ASIDE: "it was set aside, because workers died of it",
    PositionState.UNSELECTED: "its position is not selected, and it was given up",
}
"""What became of a frame that cannot be had."""

_GONE = (PositionState.MERGED, PositionState.UNSELECTED)


async def frame(request: web.Request) -> web.Response:
    """The frame at one position, or the sum over several."""
    services = request.app[SERVICES]
    run = await find(services, request.match_info["acquisition"])
    _, dot, suffix = request.match_info["leaf"].partition(".")
    form = choose(request, suffix if dot else None)
    options = parameters(request, (AT, *SELECTION, *form.options))
    snapshot = run.latest
    positions = _positions(options.pop(AT, None), snapshot)
    own = {name: value for name, value in options.items() if name not in SELECTION}
    known = snapshot.acquisition
    kind = known.dtype if len(positions) == 1 else np.dtype("u8")
    empty = np.broadcast_to(np.zeros((), kind), known.sig_shape)
    check_size(form, select(_channel(empty), options), own, services.max_response_bytes)
    async with request.app[LOOKS]:
        picked = await asyncio.to_thread(_picked, run, positions)
    part = select(_channel(picked.data), options)
    body = await asyncio.to_thread(form, part, own)
    headers = {
        **array_facts(part),
        "X-Frames": str(len(picked.positions)),
        "X-Frames-Lacking": str(len(picked.lacking)),
        "X-Frames-From": ",".join(picked.origins),
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.VARY: hdrs.ACCEPT,
    }
    return web.Response(body=body, content_type=form.media_type, headers=headers)


def _positions(text: str | None, snapshot: Snapshot) -> NDArray[np.int64]:
    """Flat positions of what was asked for.

    Raises
    ------
    Problem
        If nothing was, or no position, or too many.
    """
    known = snapshot.acquisition
    nav = known.nav_shape
    if text is None:
        raise Problem(
            "invalid-params",
            f"which frame? the scan has {nav} positions",
            hint="?at=12,30 for one position, ?at=10:20,30:40 for the sum over some",
            errors=({"parameter": AT, "message": "is missing", "allowed": ("y,x", "y:y,x:x")},),
        )
    flat = np.arange(math.prod(nav), dtype=np.int64).reshape(nav)
    valid = np.broadcast_to(np.True_, nav)
    asked = select(Channel("nav", flat, valid, (), 0), {"slice": text}).data.ravel()
    if not len(asked):
        raise Problem("invalid-params", f"at={text!r} is no position of the scan {nav}")
    most = max(1, MOST_BYTES // known.frame_bytes)
    if len(asked) > most:
        raise Problem(
            "too-large",
            f"at={text!r} are {len(asked)} frames; at most {most} are summed for a request",
            hint="ask for fewer, or have a UDF sum them",
        )
    return np.sort(asked)


def _picked(run: Run, positions: NDArray[np.int64]) -> Picked:
    try:
        return run.picked(positions)
    except FrameNotHeldError as error:
        raise _not_held(run.latest, positions, error) from error


def _not_held(
    snapshot: Snapshot, positions: NDArray[np.int64], error: FrameNotHeldError
) -> Problem:
    """Why frames cannot be had, as far as the run knows."""
    states = snapshot.coverage.ravel()[positions]
    most = PositionState(int(np.bincount(states).argmax()))
    one = len(positions) == 1
    what = "the frame cannot" if one else f"none of the {len(positions)} frames can"
    why = _WHY[PositionState.CORRUPT] if error.damaged else _WHY[most]
    gone = most in _GONE and not error.damaged
    return Problem(
        "frame-not-held",
        f"{what} be had: {why if one else f'of most, {why}'}",
        hint="with [recording] enabled = true, frames can be had from the files" if gone else "",
        status=410 if gone else None,
    )


def _channel(data: NDArray[np.generic]) -> Channel:
    return Channel("sig", data, np.broadcast_to(np.True_, data.shape), (), 0)
