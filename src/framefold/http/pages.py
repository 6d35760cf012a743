"""The page and its files, read once at start: nothing in a request ever becomes a file name."""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import hdrs, web

from framefold.http.access import Handler
from framefold.http.conditional import is_held_by_client
from framefold.http.query import no_parameters

_PACKAGE = "framefold.dashboard"
_MEDIA_TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
}
_TITLE = "{{title}}"
"""Stands in the page for what the operator calls this server."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the page as it is sent.

    Parameters
    ----------
    body : bytes
        UTF-8 text.
    media_type : str
        What it is.
    tag : str
        Its entity tag, with quotes.
    """

    body: bytes
    media_type: str
    tag: str


def load_pages(title: str) -> dict[str, Page]:
    """All files of the page by name.

    Parameters
    ----------
    title : str
        Put into the page wherever it leaves room for it, as text.
    """
    pages = {}
    for entry in files(_PACKAGE).iterdir():
        media_type = _MEDIA_TYPES.get(entry.name.rpartition(".")[2])
        if media_type is None:
            continue
        text = entry.read_text(encoding="utf-8").replace(_TITLE, html.escape(title))
        body = text.encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        pages[entry.name] = Page(body, media_type, tag)
    return pages


def add_pages(app: web.Application, title: str) -> None:
    """Serve the page at ``/`` and its files below ``/static/``."""
    pages = load_pages(title)
    for name, page in pages.items():
        path = "/" if name == "index.html" else f"/static/{name}"
        app.router.add_get(path, _handler(page))


def _handler(page: Page) -> Handler:
    async def send(request: web.Request) -> web.Response:
        no_parameters(request)
        headers = {hdrs.ETAG: page.tag, hdrs.CACHE_CONTROL: "no-cache"}
        if is_held_by_client(request.headers.getall(hdrs.IF_NONE_MATCH, []), page.tag):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=page.body, content_type=page.media_type, charset="utf-8", headers=headers
        )

    return send
