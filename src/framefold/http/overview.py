"""Handlers of small facts: health, about, status, acquisitions and the list of results."""

from __future__ import annotations

import time

from aiohttp import web

from framefold import representations
from framefold.http.conditional import MAX_WAIT, entity_tag
from framefold.http.description import API, details, installed_version, results, summary
from framefold.http.observation import observe
from framefold.http.paging import CURSOR, LIMIT, listed
from framefold.http.plain import dumps, timestamp
from framefold.http.problems import TYPES_PATH, catalogue
from framefold.http.query import no_parameters, parameters
from framefold.http.scans import OPTIONS as SCANS
from framefold.http.services import SERVICES
from framefold.representations.selection import OPTIONS as SELECTION


async def healthz(request: web.Request) -> web.Response:
    """Whether the server answers at all; no facts, since nobody is asked who they are."""
    no_parameters(request)
    return _json({"status": "ok"})


async def about(request: web.Request) -> web.Response:
    """What this is, what it can do, and where to go on."""
    no_parameters(request)
    services = request.app[SERVICES]
    return _json(
        {
            "name": "framefold",
            "title": services.title,
            "version": installed_version(),
            "api": "v1",
            "features": ["etag", "long-poll", "slice", "coverage", "refold", "frames"],
            "representations": _representations(),
            "options": dict(SELECTION) | dict(SCANS),
            "limits": {
                "response_bytes": services.max_response_bytes,
                "wait_seconds": MAX_WAIT,
            },
            "links": {
                "status": f"{API}/status",
                "acquisitions": f"{API}/acquisitions",
                "latest": f"{API}/acquisitions/latest",
                "problems": TYPES_PATH,
                "metrics": "/metrics",
                **({"recording": f"{API}/recording"} if services.recording else {}),
            },
        }
    )


async def problems(request: web.Request) -> web.Response:
    """The types of problem documents."""
    no_parameters(request)
    return _json({"problems": catalogue()})


async def status(request: web.Request) -> web.Response:
    """How the server and its newest acquisition are doing."""
    no_parameters(request)
    services = request.app[SERVICES]
    runs = services.history.runs()
    newest = None
    if runs:
        run = runs[0]
        snapshot = await services.updates.newest(run)
        newest = {**summary(run, snapshot), "statistics": run.statistics()}
    return _json(
        {
            **services.status(),
            "time": timestamp(time.time()),
            "acquisition": newest,
            "acquisitions": len(runs),
        }
    )


async def acquisitions(request: web.Request) -> web.Response:
    """All acquisitions that are remembered, then those that are kept; newest first, by pages."""
    page = await listed(request.app[SERVICES], parameters(request, (CURSOR, LIMIT)))
    return _json(
        {"acquisitions": [summary(run, run.latest) for run in page.runs], "next": page.next}
    )


async def acquisition(request: web.Request) -> web.Response:
    """One acquisition; its version covers coverage, state and all results."""
    no_parameters(request)
    seen = await observe(
        request, lambda r, s: entity_tag(r.ident, "acquisition", f"{s.version}.{s.state.value}")
    )
    if seen.is_known:
        return seen.not_modified()
    return _json(details(seen.run, seen.snapshot), seen.headers)


async def result_list(request: web.Request) -> web.Response:
    """The channels of one acquisition and their versions: one request tells what has moved."""
    no_parameters(request)
    seen = await observe(
        request, lambda r, s: entity_tag(r.ident, "results", f"{s.version}.{s.state.value}")
    )
    if seen.is_known:
        return seen.not_modified()
    return _json(results(seen.run, seen.snapshot), seen.headers)


def _json(value: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=dumps(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"} if headers is None else headers,
    )


def _representations() -> list[dict[str, object]]:
    return [
        {"name": form.name, "media_type": form.media_type, "options": form.options}
        for form in map(representations.representation, representations.names())
    ]
