"""Problem documents: every error as JSON with a stable type (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from framefold.errors import FramefoldError, ParameterError, ShapeError, TooLargeError
from framefold.http.plain import dumps

MEDIA_TYPE = "application/problem+json"
TYPES_PATH = "/api/v1/problems"
"""Where the catalogue below is served; types are fragments of it, so they resolve offline."""

CATALOGUE: Mapping[str, tuple[int, str]] = {
    "unknown-path": (404, "Nothing is served at this path"),
    "unknown-acquisition": (404, "No such acquisition"),
    "unknown-udf": (404, "The acquisition has no results of that UDF"),
    "unknown-channel": (404, "The UDF has no such channel"),
    "frame-not-held": (404, "No frame of that position is there"),
    "method-not-allowed": (405, "This path does not answer to that method"),
    "not-acceptable": (406, "None of the representations asked for can be made"),
    "unknown-parameter": (400, "An unknown query parameter"),
    "invalid-params": (400, "A query parameter has a value that makes no sense"),
    "shape-mismatch": (422, "The result has no such representation, for its shape"),
    "too-large": (413, "The answer would be larger than this server sends"),
    "too-busy": (503, "Too many requests are being held"),
    "udf-failed": (409, "The UDF raised, so there is no result"),
    "foreign-host": (403, "The request was meant for another host"),
    "foreign-origin": (403, "The request comes from another site's page"),
    "control-off": (403, "Nothing may be changed here"),
    "unauthorized": (401, "Only who has the token may change something"),
    "unsupported-media-type": (415, "The body is of a type that means nothing here"),
    "body-too-large": (413, "The body is longer than anything that is asked for"),
    "invalid-patch": (422, "The patch has fields that mean nothing here"),
    "not-configured": (409, "The configuration lacks what this needs"),
    "bad-request": (400, "The request makes no sense"),
    "internal-error": (500, "The server made a mistake"),
}
"""Type -> status and title."""


class Problem(FramefoldError):  # noqa: N818 - the word of RFC 9457
    """An error with the document that tells a client of it.

    Parameters
    ----------
    kind : str
        A key of `CATALOGUE`.
    detail : str
        What was wrong in this case, and where.
    hint : str
        What to do about it, or empty.
    errors : sequence of mapping
        One ``{"parameter", "message", "allowed"}`` for each thing wrong with the request;
        in a body ``"pointer"`` (RFC 6901) in the place of ``"parameter"``.
    headers : mapping of str to str
        Further headers of the answer.
    status : int or None
        Another status than the catalogue's.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        hint: str = "",
        errors: tuple[Mapping[str, object], ...] = (),
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        self.kind = kind
        self.status = CATALOGUE[kind][0] if status is None else status
        self.title = CATALOGUE[kind][1]
        self.detail = detail
        self.hint = hint
        self.errors = errors
        self.headers = dict(headers or {})
        super().__init__(f"{kind}: {detail}")

    def response(self, instance: str, request_id: str) -> web.Response:
        """The document as an answer.

        Parameters
        ----------
        instance : str
            The path asked for.
        request_id : str
            Ties the answer to the server's log.
        """
        document: dict[str, object] = {
            "type": f"{TYPES_PATH}#{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
        }
        if self.hint:
            document["hint"] = self.hint
        if self.errors:
            document["errors"] = list(self.errors)
        return web.Response(
            body=dumps(document),
            status=self.status,
            content_type=MEDIA_TYPE,
            headers={**self.headers, "Cache-Control": "no-store"},
        )


def problem_of(error: FramefoldError) -> Problem:
    """An error of ours, raised while a request was answered, as a problem."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, TooLargeError):
        return Problem("too-large", str(error))
    if isinstance(error, ShapeError):
        return Problem("shape-mismatch", str(error))
    if isinstance(error, ParameterError):
        return Problem("invalid-params", str(error))
    return Problem("bad-request", str(error))


def catalogue() -> list[dict[str, object]]:
    """All types with their status and title."""
    return [
        {"type": f"{TYPES_PATH}#{kind}", "kind": kind, "status": status, "title": title}
        for kind, (status, title) in CATALOGUE.items()
    ]
