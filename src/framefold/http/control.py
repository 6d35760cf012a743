"""Control: who may change something. Whoever has the token of this start, in a header."""

from __future__ import annotations

import hmac
import logging
import secrets

from aiohttp import hdrs, web

from framefold.http.problems import Problem

log = logging.getLogger(__name__)

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def new_token() -> str:
    """A token that nobody can guess, 43 characters of A-Z, a-z, 0-9, ``-`` and ``_``."""
    return secrets.token_urlsafe(32)


class Control:
    """Whether a request may change something.

    Parameters
    ----------
    token : str or None
        What it must bring; None if nothing may be changed.
    """

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    @property
    def is_on(self) -> bool:
        """Whether anything may be changed at all."""
        return self._token is not None

    def admit(self, request: web.Request) -> None:
        """Let a request pass; who does not get through is logged, without what it brought.

        Raises
        ------
        Problem
            If nothing may be changed here, or its token is missing or wrong.
        """
        if self._token is None:
            raise Problem(
                "control-off",
                "this server only shows things",
                hint="set control = true in [server], or start framefold serve with --control",
            )
        given = request.headers.getall(hdrs.AUTHORIZATION, [])
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        # surrogates stand for bytes that are no UTF-8
        held = token.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() == "bearer" and hmac.compare_digest(held, self._token):
            return
        why = "its token is wrong" if scheme.lower() == "bearer" else "it brings no token"
        log.warning(
            "control refused client=%s path=%s reason=%s", request.remote, request.path[:200], why
        )
        raise Problem(
            "unauthorized",
            f"the request changes something, and {why}",
            hint="send 'Authorization: Bearer TOKEN' with the token that was told at the start",
            headers=_CHALLENGE,
        )
