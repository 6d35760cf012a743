"""Who may ask: the Host header against the hosts we answer for, and headers for browsers."""

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
            If it has no Host header, several, or one for another host.
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
