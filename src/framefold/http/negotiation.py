"""Which representation a client gets: by the suffix of the path, else by its Accept header."""

from __future__ import annotations

import re
from collections.abc import Sequence

_RANGE = re.compile(r"\s*([\w!#$&^.+*-]{1,100})/([\w!#$&^.+*-]{1,100})\s*((?:;[^,]*)?)")
_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def acceptable(accept: Sequence[str], offered: Sequence[str]) -> str | None:
    """The media type to send (RFC 9110 section 12.5.1).

    Parameters
    ----------
    accept : sequence of str
        Values of the Accept headers, as they came; none means that everything will do.
    offered : sequence of str
        Media types that can be made, the preferred one first.

    Returns
    -------
    str or None
        Of those the client likes best, the one we prefer; None if it likes none.
    """
    ranges = [
        (found[1].lower(), found[2].lower(), _quality(found[3]))
        for value in accept
        for part in value.split(",")
        if (found := _RANGE.fullmatch(part))
    ]
    if not ranges:
        return offered[0] if offered else None
    best: tuple[float, str] | None = None
    for media_type in offered:
        quality = _liking(media_type, ranges)
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, media_type)
    return best[1] if best else None


def _quality(parameters: str) -> float:
    found = _QUALITY.search(parameters)
    return min(float(found[1]), 1.0) if found else 1.0


def _liking(media_type: str, ranges: Sequence[tuple[str, str, float]]) -> float:
    kind, _, subtype = media_type.partition("/")
    # the most specific range that fits decides, not the one with the highest quality
    for wanted in ((kind, subtype), (kind, "*"), ("*", "*")):
        fitting = [quality for *names, quality in ranges if tuple(names) == wanted]
        if fitting:
            return max(fitting)
    return 0.0
