"""Looking at a run on behalf of a request: now, or held until what it looks at has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import hdrs, web

from framefold.core.snapshot import Snapshot
from framefold.http.conditional import is_held_by_client, preferred_wait
from framefold.http.ports import LATEST, Run
from framefold.http.problems import Problem
from framefold.http.services import SERVICES, Services

TagOf = Callable[[Run, Snapshot], str]
"""The entity tag that what was asked for has in a snapshot; may raise a Problem."""

# An ended run never changes again; who asks to wait for it all the same is slowed down to one
# request a second instead of being let to spin.
_ENDED_PAUSE = 1.0

# how often the alias looks for a newer run once its run has ended [s]
_LOOK_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class Observation:
    """What a request gets to see.

    Parameters
    ----------
    run : Run
        Whose.
    snapshot : Snapshot
        The newest.
    tag : str
        Its entity tag.
    is_known : bool
        Whether the client has that version already: the answer is 304.
    waited : float or None
        For how long the request agreed to be held [s], if it did.
    """

    run: Run
    snapshot: Snapshot
    tag: str
    is_known: bool
    waited: float | None

    @property
    def headers(self) -> dict[str, str]:
        """What every answer about it carries."""
        headers = {
            hdrs.ETAG: self.tag,
            # may be kept, must be asked for again: the version decides
            hdrs.CACHE_CONTROL: "private, no-cache",
            "X-Run-State": self.snapshot.state.value,
        }
        if self.waited is not None:
            headers["Preference-Applied"] = f"wait={self.waited:g}"
        return headers

    def not_modified(self) -> web.Response:
        """304 with the version the client has."""
        return web.Response(status=304, headers=self.headers)


async def find(services: Services, ident: str) -> Run:
    """The run of that identity or alias.

    Raises
    ------
    Problem
        If there is none; it lists the newest ones.
    """
    run = services.history.get(ident)
    if run is None and ident != LATEST and services.shelf is not None:
        run = await asyncio.to_thread(services.shelf.get, ident)
    if run is not None:
        return run
    if ident == LATEST:
        raise Problem(
            "unknown-acquisition",
            "no acquisition yet",
            hint="it appears here when the detector starts; /api/v1/status tells what is awaited",
        )
    known = [run.ident for run in services.history.runs()[:5]]
    listed = ", ".join(known) or "none yet"
    raise Problem(
        "unknown-acquisition",
        f"no acquisition {ident[:100]!r} is remembered",
        hint=f"the newest are: {listed}; 'latest' names the newest",
    )


async def observe(request: web.Request, tag_of: TagOf) -> Observation:
    """Look at the run a request names, held as long as it prefers while nothing has changed.

    Parameters
    ----------
    request : Request
        With ``acquisition`` in its path; ``If-None-Match`` and ``Prefer: wait=N`` count.
    tag_of : callable
        The entity tag of what it asks for.

    Raises
    ------
    Problem
        If there is no such run, or whatever ``tag_of`` raises.
    """
    services = request.app[SERVICES]
    ident = request.match_info["acquisition"]
    run = await find(services, ident)
    snapshot = await services.updates.newest(run)
    held = request.headers.getall(hdrs.IF_NONE_MATCH, [])
    wait = preferred_wait(request.headers.getall("Prefer", [])) if held else None
    tag = tag_of(run, snapshot)
    if wait and is_held_by_client(held, tag):
        run, snapshot = await _hold(
            services, run, lambda r, s: not is_held_by_client(held, tag_of(r, s)), wait, ident
        )
        tag = tag_of(run, snapshot)
    return Observation(run, snapshot, tag, is_held_by_client(held, tag), wait)


async def _hold(
    services: Services,
    run: Run,
    changed: Callable[[Run, Snapshot], bool],
    wait: float,
    ident: str,
) -> tuple[Run, Snapshot]:
    updates = services.updates
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    if run.latest.state.is_final and ident != LATEST:
        await updates.pause(min(wait, _ENDED_PAUSE))
        return run, run.latest
    while True:
        snapshot = await updates.until(run, partial(changed, run), deadline - loop.time())
        remaining = deadline - loop.time()
        if ident != LATEST or remaining <= 0 or changed(run, snapshot) or updates.is_closing:
            return run, snapshot
        # the newest run has ended unchanged: for the alias, the next one is the change
        await updates.pause(min(_LOOK_AGAIN, remaining))
        newest = services.history.get(LATEST)
        if newest is not None and newest is not run:
            run = newest
