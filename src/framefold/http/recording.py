"""Handlers of recording: how it stands, and the switch for the next acquisition."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from framefold.http.description import API
from framefold.http.merge_patch import switches
from framefold.http.plain import dumps
from framefold.http.problems import Problem
from framefold.http.query import no_parameters
from framefold.http.services import SERVICES, Services

log = logging.getLogger(__name__)

PATH = f"{API}/recording"


async def recording(request: web.Request) -> web.Response:
    """What is recorded now, what will be of the next acquisition, and where to."""
    no_parameters(request)
    return await _answer(request.app[SERVICES])


async def switch(request: web.Request) -> web.Response:
    """Record the next acquisition, or not; the one at hand goes on as it began."""
    no_parameters(request)
    services = request.app[SERVICES]
    services.control.admit(request)  # before the body is even looked at
    control = services.recording
    assert control is not None  # or nothing would lead here
    wanted = await switches(request, control.forms)
    lacking = control.lacks(wanted)
    if lacking:
        raise Problem("not-configured", lacking)
    before, after = control.change(wanted)
    log.info(
        "recording switched from the next acquisition on client=%s before=%s after=%s",
        request.remote, _words(before), _words(after),
    )  # fmt: skip
    return await _answer(services)


async def _answer(services: Services) -> web.Response:
    assert services.recording is not None
    facts = await asyncio.to_thread(services.recording.facts)  # a disk may be slow
    return web.Response(
        body=dumps({"control": services.control.is_on, **facts}),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _words(forms: object) -> str:
    return dumps(forms).decode().strip()
