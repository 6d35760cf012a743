"""Who may ask: the hosts we answer for, whose pages may send something, headers for browsers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import hdrs, web

from framefold.http.problems import Problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECURITY_HEADERS = {
    # everything the page needs comes from here: no inline script or style, no foreign picture
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # without this any page in the operator's browser could embed our pictures
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every answer."""

_HARMLESS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110 section 9.2.1), so that nobody is harmed by them."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:@/\s]+)(?::[0-9]{1,5})?")


class AllowedHosts:
    """The names this server answers to.

    A page of a foreign site whose name was re-bound to our address (DNS rebinding) reaches us
    with that site's name in the Host header; refusing it is the only defence of a server that
    needs no password on loopback.

    Parameters
    ----------
    hosts : iterable of str
        Names or addresses without port, IPv6 in brackets; upper and lower case are the same.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def admit(self, request: web.Request) -> None:
        """Let a request pass.

        Raises
        ------
        Problem
            If it has no Host header, several, or one for another host; or if it is to change
            something and a browser says that another site's page sends it.
        """
        given = request.headers.getall(hdrs.HOST, [])
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if found is None or found[1].lower() not in self._hosts:
            named = repr(given[0][:200]) if given else "no host"
            raise Problem(
                "foreign-host",
                f"this server does not answer for {named}",
                hint="use one of the configured names, or add this one to allowed_hosts",
            )
        if request.method not in _HARMLESS:
            _admit_origin(request, given[0])


def _admit_origin(request: web.Request, host: str) -> None:
    """Refuse what another site's page sends; only browsers say so, and pages cannot lie."""
    for origin in request.headers.getall(hdrs.ORIGIN, []):
        scheme, _, place = origin.partition("://")
        if scheme not in ("http", "https") or place.lower() != host.lower():
            raise Problem(
                "foreign-origin",
                f"a page of {origin[:200]!r} may change nothing at {host[:200]!r}",
                hint="send the request from a program, or from a page of this server",
            )
