"""The application: which path leads to which handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from aiohttp import web

from framefold.http import frames, metrics, overview, recording, results
from framefold.http.access import AllowedHosts
from framefold.http.bodies import Bodies
from framefold.http.control import Control
from framefold.http.description import API
from framefold.http.fence import fence
from framefold.http.pages import add_pages
from framefold.http.ports import History, Recording, Shelf
from framefold.http.problems import TYPES_PATH
from framefold.http.services import SERVICES, Services
from framefold.http.updates import Updates
from framefold.representations import names, representation

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""The names of a server that only this machine can reach."""


def make_app(
    history: History,
    status: Callable[[], Mapping[str, object]],
    *,
    allowed_hosts: Iterable[str] = LOOPBACK_HOSTS,
    max_response_bytes: int = 256 << 20,
    page_title: str = "framefold",
    update_seconds: float = 0.25,
    shelf: Shelf | None = None,
    token: str | None = None,
    recorded: Recording | None = None,
) -> web.Application:
    """Everything that is served, as an application that knows no address yet.

    Parameters
    ----------
    history : History
        The runs to show.
    status : callable
        Facts of the server's other parts for ``/api/v1/status``; must not block.
    allowed_hosts : iterable of str
        Names this server answers to, without port; every other Host header is refused.
    max_response_bytes : int
        No array is sent that could be larger than this [bytes].
    page_title : str
        What the page calls this server.
    update_seconds : float
        How often results should move [s]; those who wait are woken as often.
    shelf : Shelf or None
        Runs that the history has forgotten.
    token : str or None
        What a request must bring to change something; None if nothing may be changed.
    recorded : Recording or None
        How acquisitions are recorded; None for a server without that.
    """
    app = web.Application(middlewares=[fence(AllowedHosts(allowed_hosts))])
    updates = Updates(update_seconds)
    services = Services(
        history, status, updates, Bodies(), max_response_bytes, page_title, shelf,
        Control(token), recorded,
    )  # fmt: skip
    app[SERVICES] = services
    app[metrics.REGISTRY] = metrics.registry(services)
    app[frames.LOOKS] = asyncio.Semaphore(1)
    acquisition = f"{API}/acquisitions/{{acquisition}}"
    app.router.add_get("/healthz", overview.healthz)
    app.router.add_get("/metrics", metrics.metrics)
    app.router.add_get(API, overview.about)
    app.router.add_get(TYPES_PATH, overview.problems)
    app.router.add_get(f"{API}/status", overview.status)
    app.router.add_get(f"{API}/acquisitions", overview.acquisitions)
    app.router.add_get(acquisition, overview.acquisition)
    app.router.add_get(f"{acquisition}/results", overview.result_list)
    app.router.add_get(f"{acquisition}/results/{{udf}}/{{channel}}", results.result)
    app.router.add_get(f"{acquisition}/{{leaf:coverage(?:\\.[^/{{}}]*)?}}", results.coverage)
    app.router.add_get(f"{acquisition}/{{leaf:frame(?:\\.[^/{{}}]*)?}}", frames.frame)
    if recorded is not None:
        app.router.add_get(recording.PATH, recording.recording)
        app.router.add_patch(recording.PATH, recording.switch)
    add_pages(app, page_title)

    async def warm_up(_: web.Application) -> None:
        # imports the picture libraries now, 0.2 s that the loop must not spend on a request
        await asyncio.to_thread(lambda: [representation(name) for name in names()])

    async def send_home(_: web.Application) -> None:
        # those who wait would hold the shutdown up otherwise
        updates.close()

    app.on_startup.append(warm_up)
    app.on_shutdown.append(send_home)
    return app
