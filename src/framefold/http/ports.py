"""What HTTP needs of runs and their history; the engine's objects satisfy it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefold.core.picking import Picked
from framefold.core.scan_rule import ScanRule
from framefold.core.snapshot import Snapshot

LATEST = "latest"
"""Stands for the identity of the newest run wherever one is asked for."""


class Run(Protocol):
    """One acquisition being processed, as seen by those who only look on."""

    @property
    def ident(self) -> str:
        """Tells this run from all others; part of its address."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot made; never blocks."""

    def want(self) -> bool:
        """Ask for a fresh snapshot; False when `latest` is already current. Never blocks."""

    def watch(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Have ``callback`` called with every snapshot published from now on.

        It is called from the folding thread and must not block. What is returned ends it.
        """

    def refolded(self, rule: ScanRule) -> Snapshot:
        """The results as they are now, in another scan; works for a while."""

    def picked(self, positions: NDArray[np.int64]) -> Picked:
        """The frame at a flat scan position, or the sum of those at some, if they are there.

        It may take a while, and raises `FrameNotHeldError` if none of them is.
        """

    def statistics(self) -> Mapping[str, float | int | str]:
        """Rates and lags, for people."""


class History(Protocol):
    """The last runs."""

    def runs(self) -> tuple[Run, ...]:
        """All that are remembered, newest first."""

    def get(self, ident: str) -> Run | None:
        """The run of that identity, or the newest for `LATEST`; None if there is none."""


class Recording(Protocol):
    """How acquisitions are recorded, and the switch for the next one."""

    @property
    def forms(self) -> tuple[str, ...]:
        """What can be switched on and off."""

    def facts(self) -> Mapping[str, object]:
        """What is recorded now, and will be; may look at a disk."""

    def lacks(self, wanted: Mapping[str, bool]) -> str:
        """What is in the way of a change, and what to do; empty if nothing is. Never blocks."""

    def change(self, wanted: Mapping[str, bool]) -> tuple[Mapping[str, bool], Mapping[str, bool]]:
        """Change some of `forms` for the next acquisition; before and after. Never blocks."""


class Shelf(Protocol):
    """Runs that are forgotten, but whose results were kept. Its methods read files."""

    def page(
        self, without: Collection[str], after: str | None, limit: int
    ) -> tuple[Sequence[Run], bool] | None:
        """Some runs without their arrays, newest first, and whether there are more behind.

        Runs of the identities ``without`` are left out; it begins behind the run of the identity
        ``after``, or is None if there is none.
        """

    def get(self, ident: str) -> Run | None:
        """The run of that identity; None if there is none."""
