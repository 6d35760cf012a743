"""Tally: where time went, by whom and what for; kept by whoever has a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SHARED = -1
"""Stands for what all UDFs of a run share: reading, converting, waiting ..."""

Key = tuple[int, str]


@dataclass(slots=True)  # not frozen, though nobody changes it: that takes thrice as long to make
class Spent:
    """Time spent on one thing.

    Parameters
    ----------
    count : int
        How often.
    total_ns : int
        In all [ns].
    longest_ns : int
        The longest single time [ns].
    """

    count: int
    total_ns: int
    longest_ns: int

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.count + other.count,
            self.total_ns + other.total_ns,
            max(self.longest_ns, other.longest_ns),
        )


class Tally:
    """Adds up times by owner (number of a UDF, or `SHARED`) and by what they were spent on."""

    def __init__(self) -> None:
        # count, total, longest: plain lists, since this is touched for every tile
        self._spent: dict[Key, list[int]] = {}

    def add(self, owner: int, what: str, ns: int) -> None:
        """Note a time.

        Parameters
        ----------
        owner : int
            Number of the UDF, or `SHARED`.
        what : str
            Name of the hook or of the step.
        ns : int
            How long it took [ns].
        """
        found = self._spent.get((owner, what))
        if found is None:
            self._spent[owner, what] = [1, ns, ns]
            return
        found[0] += 1
        found[1] += ns
        found[2] = max(found[2], ns)

    def include(self, spent: Mapping[Key, Spent]) -> None:
        """Add what another tally `took <taken>`."""
        for key, other in spent.items():
            found = self._spent.setdefault(key, [0, 0, 0])
            found[0] += other.count
            found[1] += other.total_ns
            found[2] = max(found[2], other.longest_ns)

    def taken(self) -> dict[Key, Spent]:
        """Everything so far; the tally starts over."""
        spent = {key: Spent(*found) for key, found in self._spent.items()}
        self._spent = {}
        return spent

    def __iter__(self) -> Iterator[tuple[Key, Spent]]:
        for key, (count, total, longest) in list(self._spent.items()):
            yield key, Spent(count, total, longest)
