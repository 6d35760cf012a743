"""Versions on the wire: entity tags, If-None-Match (RFC 9110) and Prefer: wait (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

MAX_WAIT = 60.0
"""No request is held for longer than this [s], whatever it prefers."""

_TAGS = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?=$|[,;])', re.IGNORECASE)


def entity_tag(ident: str, resource: str, version: int | str) -> str:
    """The entity tag of a resource at a version, with its quotes.

    Parameters
    ----------
    ident : str
        Identity of the run.
    resource : str
        Which of its resources, e.g. ``"sum/intensity"``.
    version : int or str
        Its version.
    """
    return f'"{quote(ident, safe="")}.{quote(resource, safe="/")}.{version}"'


def is_held_by_client(if_none_match: Sequence[str], tag: str) -> bool:
    """Whether a client says that it has this version already (weak comparison).

    Parameters
    ----------
    if_none_match : sequence of str
        Values of the If-None-Match headers, as they came.
    tag : str
        The current entity tag, with its quotes.
    """
    known = [found for value in if_none_match for found in _TAGS.findall(value)]
    return tag[1:-1] in known or any(value.strip() == "*" for value in if_none_match)


def preferred_wait(prefer: Sequence[str]) -> float | None:
    """How long a client would like its request held [s], at most `MAX_WAIT`.

    Parameters
    ----------
    prefer : sequence of str
        Values of the Prefer headers, as they came.

    Returns
    -------
    float or None
        None if it does not say; a preference that makes no sense is ignored, as RFC 7240 asks.
    """
    for value in prefer:
        found = _WAIT.search(value)
        if found:
            return min(float(found[1]), MAX_WAIT)
    return None
