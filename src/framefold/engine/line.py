"""Line: results wait here until those of all earlier blocks are merged."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from framefold.engine.pool import Outcome
from framefold.udf.partial import PartitionResult, UDFError

PLACES_PER_WORKER = 4
"""Blocks in line at most: a worker holds two, and may be two ahead of the slowest one."""

CUT_FOR_WORKERS = 16
"""For how many workers data are cut if the cut must not depend on how many there are."""


class Line:
    """Blocks in the order in which they were handed out.

    Results that come before their turn are copied, so that the worker's memory and the block
    are free at once. They are bounded: nobody joins a full line, and it is full when the first
    in it lags behind. That one is never waited for in vain. It is in work, or is redone, which
    needs neither memory nor workers that are held up by those behind it; or it is given up.

    Parameters
    ----------
    places : int
        Blocks in line at most.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        # guards all of the below; the feeding thread waits on it for a place
        self._changed = threading.Condition()
        self._idents: deque[int] = deque()
        self._held: dict[int, Outcome] = {}
        self._closed = False

    def join(self, ident: int) -> bool:
        """Take the last place; waits for one.

        Parameters
        ----------
        ident : int
            Number of the block, as `Block.ident`.

        Returns
        -------
        bool
            False once the line is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._idents) < self._places)
            if self._closed:
                return False
            self._idents.append(ident)
            return True

    def due(self, outcome: Outcome) -> list[Outcome]:
        """What is to be merged now that one more outcome is there.

        Parameters
        ----------
        outcome : Outcome
            Of a block in line.

        Returns
        -------
        list of Outcome
            In order; empty if an earlier block is still in work. Of blocks that were given up
            there is nothing to merge: their outcomes never wait.
        """
        ident = outcome.block.ident
        with self._changed:
            is_first = self._idents[0] == ident
            if not is_first and outcome.result is not None:
                self._held[ident] = _kept(outcome)
                return []
            self._idents.remove(ident)
            found = [outcome]
            while self._idents and self._idents[0] in self._held:
                found.append(self._held.pop(self._idents.popleft()))
            self._changed.notify_all()
            return found

    @property
    def held(self) -> int:
        """Results that wait for their turn."""
        return len(self._held)

    def close(self) -> None:
        """Let nobody join any more; those in line stay."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _kept(outcome: Outcome) -> Outcome:
    """The same with arrays of its own."""
    assert outcome.result is not None
    parts = tuple(_kept_part(part) for part in outcome.result.parts)
    return replace(outcome, result=replace(outcome.result, parts=parts))


def _kept_part(part: PartitionResult) -> PartitionResult:
    def one(found: Mapping[str, Any] | UDFError) -> Mapping[str, Any] | UDFError:
        if isinstance(found, UDFError):
            return found
        return {name: np.array(array) for name, array in found.items()}

    return replace(part, results=tuple(one(found) for found in part.results))
