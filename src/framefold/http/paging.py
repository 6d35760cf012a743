"""Pages of the list of acquisitions: by cursor, so that a new one does not shift the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from framefold.http.ports import Run
from framefold.http.problems import Problem
from framefold.http.services import Services

CURSOR = "cursor"
LIMIT = "limit"
USUAL = 100
"""Entries of a page; all that are in memory are on the first one in any case."""
MOST = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some acquisitions.

    Parameters
    ----------
    runs : sequence of Run
        Newest first; those out of files without their arrays.
    next : str or None
        The cursor of the next page; None if this is the last one.
    """

    runs: Sequence[Run]
    next: str | None


async def listed(services: Services, options: Mapping[str, str]) -> Page:
    """The page that was asked for.

    Parameters
    ----------
    services : Services
    options : mapping of str to str
        ``cursor``: the identity behind which it begins; ``limit``: its length.

    Raises
    ------
    Problem
        If there is no such acquisition, or the limit makes no sense.
    """
    cursor = options.get(CURSOR)
    remembered = services.history.runs()
    idents = [run.ident for run in remembered]
    limit = _limit(options.get(LIMIT)) or max(USUAL, len(remembered))
    first = 0 if cursor is None else idents.index(cursor) + 1 if cursor in idents else None
    runs: list[Run] = []
    more = False
    if first is not None:
        runs += remembered[first : first + limit]
        more = first + limit < len(remembered)
    if services.shelf is not None and not more:
        after = cursor if first is None else None
        found = await asyncio.to_thread(services.shelf.page, set(idents), after, limit - len(runs))
        if found is None:
            raise _unknown(cursor)
        kept, more = found
        runs += kept
    elif first is None:
        raise _unknown(cursor)
    return Page(runs, runs[-1].ident if more and runs else None)


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    # no int() of whatever is sent: a number of a million digits takes its time
    if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST:
        return int(text)
    raise Problem(
        "invalid-params",
        f"{LIMIT}={text[:100]!r} is no whole number from 1 to {MOST}",
        errors=({"parameter": LIMIT, "message": f"1 to {MOST}"},),
    )


def _unknown(cursor: str | None) -> Problem:
    return Problem(
        "invalid-params",
        f"{CURSOR}={(cursor or '')[:100]!r} names no acquisition that is remembered or kept",
        hint="begin again without a cursor",
        errors=({"parameter": CURSOR, "message": "unknown"},),
    )
