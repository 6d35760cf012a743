"""Refolding: where the positions of one scan lie in another scan of the same frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.core.coverage import PositionState
from framefold.core.scan import NOWHERE, Scan
from framefold.errors import ScanError


@dataclass(frozen=True, slots=True)
class Refolding:
    """Positions of an old scan that have a place in a new one.

    Parameters
    ----------
    old, new : ndarray of int64, shape (kept,)
        Flat positions of the same frames in either scan; ``new`` ascends.
    size : int
        Positions of the new scan.
    """

    old: NDArray[np.int64]
    new: NDArray[np.int64]
    size: int

    @classmethod
    def of(cls, old: Scan, new: Scan) -> Refolding:
        """From one rule to another.

        Raises
        ------
        ScanError
            If frames were summed at each position, so that they cannot be told apart any more.
        """
        if old.sums or new.sums:
            raise ScanError(
                "the frames at each position were summed and cannot be told apart any more; run "
                "again, with the other scan"
            )
        numbers = old.numbers(0, old.size)
        here = np.flatnonzero(numbers != NOWHERE)
        here = here[np.argsort(numbers[here], kind="stable")]
        # of several frames for one position the first counts, as when they arrive
        places = new.own_positions_of(numbers[here])
        has_place = places != NOWHERE
        kept, first = np.unique(places[has_place], return_index=True)
        return cls(here[has_place][first], kept, new.size)

    def selection(self, old: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        """The same region of interest, flat, by position of the new scan."""
        if old is None:
            return None
        found = np.zeros(self.size, dtype=bool)
        found[self.new] = old[self.old]
        return found

    def states(
        self, old: NDArray[np.uint8], selection: NDArray[np.bool_] | None
    ) -> NDArray[np.uint8]:
        """The state of each position of the new scan.

        Parameters
        ----------
        old : ndarray of uint8, flat
            A `PositionState` for each position of the old scan.
        selection : ndarray of bool, flat, or None
            Region of interest of the new scan.

        Returns
        -------
        ndarray of uint8, flat
            Positions whose frames had no place in the old scan are missing.
        """
        found = np.full(self.size, PositionState.MISSING, dtype=np.uint8)
        found[self.new] = old[self.old]
        if selection is not None:
            found[~selection] = PositionState.UNSELECTED
        return found

    def keeps(self, positions: NDArray[np.bool_]) -> bool:
        """Whether all of some positions of the old scan, flat, have a place in the new one."""
        return bool(np.count_nonzero(positions[self.old]) == np.count_nonzero(positions))
