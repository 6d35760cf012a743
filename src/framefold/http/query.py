"""Query parameters, strictly: a misspelt one is an error, not silence."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from framefold.errors import nearest
from framefold.http.problems import Problem


def parameters(request: web.Request, known: Iterable[str] = ()) -> dict[str, str]:
    """The query parameters of a request.

    Parameters
    ----------
    request : Request
        Whose.
    known : iterable of str
        The names that mean something here.

    Raises
    ------
    Problem
        If a name is unknown (it names the nearest one), or given twice.
    """
    allowed = sorted(known)
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in allowed:
            close = nearest(name[:100], allowed)
            raise Problem(
                "unknown-parameter",
                f"unknown query parameter {name[:100]!r}",
                hint=f"did you mean {close!r}?" if close else "",
                errors=(
                    {"parameter": name[:100], "message": "not known here", "allowed": allowed},
                ),
            )
        if name in found:
            raise Problem(
                "invalid-params",
                f"query parameter {name!r} is given more than once",
                errors=({"parameter": name, "message": "give it once", "allowed": allowed},),
            )
        found[name] = value
    return found


def no_parameters(request: web.Request) -> None:
    """Refuse any query parameter.

    Raises
    ------
    Problem
        If there is one.
    """
    parameters(request)
