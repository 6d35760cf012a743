"""What the handlers share: one object, put into the application once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from framefold.http.bodies import Bodies
from framefold.http.control import Control
from framefold.http.ports import History, Recording, Shelf
from framefold.http.updates import Updates


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the handlers.

    Parameters
    ----------
    history : History
        The runs to show.
    status : callable
        Facts of the server's other parts, as a mapping; must not block.
    updates : Updates
        For waiting.
    bodies : Bodies
        For encoded results.
    max_response_bytes : int
        No array is sent that could be larger than this [bytes].
    title : str
        What the page and ``/api/v1`` call this server.
    shelf : Shelf or None
        Runs that the history has forgotten.
    control : Control
        Who may change something.
    recording : Recording or None
        How acquisitions are recorded; None if that cannot be seen here.
    """

    history: History
    status: Callable[[], Mapping[str, object]]
    updates: Updates
    bodies: Bodies
    max_response_bytes: int
    title: str
    shelf: Shelf | None = None
    control: Control = field(default_factory=lambda: Control(None))
    recording: Recording | None = None


SERVICES = web.AppKey("services", Services)
