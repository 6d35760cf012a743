"""The fence around one HTTP request: whatever goes wrong becomes a problem document."""

from __future__ import annotations

import logging
import secrets

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from framefold.errors import FramefoldError, nearest
from framefold.http.access import SECURITY_HEADERS, AllowedHosts, Handler
from framefold.http.problems import Problem, problem_of

log = logging.getLogger(__name__)


def fence(hosts: AllowedHosts) -> Middleware:
    """The outermost middleware: checks the host, answers errors, adds the security headers.

    Parameters
    ----------
    hosts : AllowedHosts
        Whom to admit.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = secrets.token_hex(8)
        try:
            hosts.admit(request)
            response = await handler(request)
        except FramefoldError as error:
            response = problem_of(error).response(request.path, request_id)
        except web.HTTPException as error:
            response = _foreign(error, request).response(request.path, request_id)
        except Exception:
            # the traceback stays here: it may name files of this machine
            log.exception("request failed id=%s path=%s", request_id, request.path)
            problem = Problem("internal-error", "see the server's log for this request id")
            response = problem.response(request.path, request_id)
        response.headers["X-Request-Id"] = request_id
        response.headers.update(SECURITY_HEADERS)
        return response

    return guard


def _foreign(error: web.HTTPException, request: web.Request) -> Problem:
    """What aiohttp itself found wrong, in our words."""
    if isinstance(error, web.HTTPNotFound):
        known = [
            resource.canonical
            for resource in request.app.router.resources()
            if "{" not in resource.canonical
        ]
        close = nearest(request.path, known)
        return Problem(
            "unknown-path",
            f"nothing is served at {request.path[:200]!r}",
            hint=f"did you mean {close}?" if close else "GET /api/v1 lists what there is",
        )
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(
            "method-not-allowed",
            f"{error.method[:20]!r} is not among the methods of this path: {allowed}",
            headers={hdrs.ALLOW: allowed},
        )
    return Problem("bad-request", error.reason, status=error.status)
