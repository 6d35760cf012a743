"""JSON merge patches (RFC 7396), strictly: what is unknown is refused, nothing is removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
from aiohttp import hdrs, web

from framefold.errors import nearest
from framefold.http.problems import Problem

MEDIA_TYPES = ("application/merge-patch+json", "application/json")
"""What a patch may be sent as."""

MOST_BYTES = 4096
"""How long one may be [bytes]; none of ours is nearly that long."""


async def switches(request: web.Request, known: Iterable[str]) -> Mapping[str, bool]:
    """The patch that a request brings for some fields that are true or false.

    Parameters
    ----------
    request : Request
        Whose body it is.
    known : iterable of str
        The fields there are.

    Raises
    ------
    Problem
        If it is no such patch, or too long.
    """
    _check_media_type(request)
    body = await _body(request)
    try:
        patch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem("bad-request", f"the body is no JSON: {error}") from error
    fields = sorted(known)
    if not isinstance(patch, dict):
        raise Problem(
            "invalid-patch",
            "the body is no JSON object",
            hint=f'send the fields to change, like {{"{fields[0]}": true}}',
            errors=({"pointer": "", "message": "not an object", "allowed": fields},),
        )
    wrong = [found for name, value in patch.items() if (found := _wrong(name, value, fields))]
    if wrong:
        detail = "; ".join(f"{str(one['pointer'])[1:]}: {one['message']}" for one in wrong[:5])
        raise Problem("invalid-patch", detail, errors=tuple(wrong[:20]))
    return patch


def _check_media_type(request: web.Request) -> None:
    # nothing is decompressed: a few bytes could become millions
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if request.content_type in MEDIA_TYPES and coding == "identity":
        return
    given = request.headers.get(hdrs.CONTENT_TYPE, "no type")
    coded = "" if coding == "identity" else f", encoded as {coding[:50]!r}"
    raise Problem(
        "unsupported-media-type",
        f"the body is of {given[:100]!r}{coded}",
        hint=f"send it as {MEDIA_TYPES[0]}, as it is",
        headers={"Accept-Patch": ", ".join(MEDIA_TYPES)},
    )


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    if (request.content_length or 0) <= MOST_BYTES:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        else:
            return bytes(body)
    raise Problem("body-too-large", f"the body is longer than {MOST_BYTES} bytes")


def _wrong(name: str, value: object, known: list[str]) -> dict[str, object] | None:
    """What is wrong with a field, if anything is."""
    # as JSON pointers are written (RFC 6901)
    pointer = "/" + name[:100].replace("~", "~0").replace("/", "~1")
    if name not in known:
        close = nearest(name[:100], known)
        message = f"unknown field{f', did you mean {close!r}?' if close else ''}"
        return {"pointer": pointer, "message": message, "allowed": known}
    if not isinstance(value, bool):
        return {"pointer": pointer, "message": "not true or false", "allowed": [True, False]}
    return None
