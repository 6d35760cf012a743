"""Case: a piece of work of ours beside the same in numpy and beside what bounds it.

A case names its *ways*: ``ours`` and others, each a call on the same data. All ways are timed in
the same run; results of ours are held against those of ``numpy`` (or whichever is named first
among `ORACLES`) before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Way = Callable[[], Any]
ORACLES = ("numpy", "dectris-compression")
"""Ways whose results are held to be right."""


@dataclass(frozen=True, eq=False)
class Case:
    """One line of the table.

    Parameters
    ----------
    name : str
        The work, and on what.
    amount : float
        How much there is of it, in ``unit``.
    ways : mapping of str to callable
        ``ours``, and others by name.
    check : callable or None
        Takes the results of ours and of the oracle; None to compare them as arrays.
    relative : float
        How far they may be apart, as arrays.
    unit : str
        What is counted, as the table says.
    limit : str
        The way that bounds ours; ``""`` for none.
    """

    name: str
    amount: float
    ways: Mapping[str, Way]
    check: Callable[[Any, Any], None] | None = None
    relative: float = 0.0
    unit: str = "GB"
    limit: str = ""

    def verify(self) -> None:
        """Hold our result against the oracle's.

        Raises
        ------
        AssertionError
            If they differ.
        """
        (oracle,) = [name for name in ORACLES if name in self.ways][:1]
        found, expected = self.ways["ours"](), self.ways[oracle]()
        if self.check is not None:
            self.check(found, expected)
            return
        np.testing.assert_allclose(
            np.asarray(found, np.float64).reshape(np.shape(expected)), expected, self.relative
        )


def reading(pixels: NDArray[Any]) -> Way:
    """Look at every byte once, as fast as numpy can: the sum of 64-bit words."""
    words = pixels.reshape(-1).view(np.uint64)
    return lambda: np.add.reduce(words)


def copying(pixels: NDArray[Any]) -> Way:
    """Copy every byte once, to memory that is in use already."""
    target = np.empty_like(pixels)
    return lambda: np.copyto(target, pixels)


@dataclass
class Rates:
    """What was measured, and the table of it."""

    found: dict[str, tuple[Case, dict[str, float]]] = field(default_factory=dict)

    def note(self, case: Case, way: str, seconds: float) -> None:
        """Keep the rate of one way of a case."""
        self.found.setdefault(case.name, (case, {}))[1][way] = case.amount / seconds

    def table(self) -> str:
        """Markdown: ours, the limit and how near we are, then all other ways and how far ahead."""
        lines = ["| work | ours | limit | of limit | others |", "| --- | --- | --- | --- | --- |"]
        for name, (case, rates) in self.found.items():
            ours = rates.get("ours")
            if ours is None:
                continue
            limit = rates.get(case.limit)
            others = [
                f"{way} {rate:.3g}, {ours / rate:.1f}x"
                for way, rate in rates.items()
                if way not in ("ours", case.limit)
            ]
            bound = "" if limit is None else f"{case.limit} {limit:.3g}"
            share = "" if limit is None else f"{ours / limit:.2f}"
            told = "; ".join(others)
            lines.append(f"| {name} | {ours:.3g} {case.unit}/s | {bound} | {share} | {told} |")
        return "\n".join(lines)
