"""Coverage: the state of every scan position, so that no zero passes for a measurement."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class PositionState(IntEnum):
    """What is known of one scan position."""

    AWAITED = 0
    """No frame yet."""
    MERGED = 1
    """Its frame is in every result."""
    MISSING = 2
    """The acquisition ended without its frame."""
    CORRUPT = 3
    """Its frame came but could not be decoded."""
    SET_ASIDE = 4
    """Its frame was given up because working on it killed workers."""
    UNSELECTED = 5
    """Outside the region of interest."""


class Coverage:
    """The state of every position of one run.

    Parameters
    ----------
    positions : int
        How many positions the scan has.
    selection : ndarray of bool, shape (positions,), or None
        Flat region of interest; None for all.
    """

    def __init__(self, positions: int, selection: NDArray[np.bool_] | None = None) -> None:
        self._states = np.zeros(positions, dtype=np.uint8)  # written by: folding thread
        self._wanted = positions
        if selection is not None:
            self._states[~selection] = PositionState.UNSELECTED
            self._wanted = int(np.count_nonzero(selection))
        self._merged = 0

    def mark(self, positions: NDArray[np.int64], state: PositionState) -> None:
        """Note what became of some positions.

        Parameters
        ----------
        positions : ndarray of int64
            Flat positions, each at most once.
        state : PositionState
            The new state. ``UNSELECTED`` positions stay what they are.
        """
        before = self._states[positions]
        kept = positions[before != PositionState.UNSELECTED]
        self._merged -= int(np.count_nonzero(self._states[kept] == PositionState.MERGED))
        self._states[kept] = state
        if state == PositionState.MERGED:
            self._merged += len(kept)

    def close(self) -> int:
        """Turn what is still awaited into missing.

        Returns
        -------
        int
            How many positions are missing.
        """
        awaited = self._states == PositionState.AWAITED
        self._states[awaited] = PositionState.MISSING
        return int(np.count_nonzero(self._states == PositionState.MISSING))

    @property
    def merged(self) -> int:
        """How many positions are in the results."""
        return self._merged

    @property
    def wanted(self) -> int:
        """How many positions the run selects."""
        return self._wanted

    @property
    def fraction(self) -> float:
        """Merged positions over wanted ones, 1.0 when nothing is wanted."""
        return self._merged / self._wanted if self._wanted else 1.0

    def states(self) -> NDArray[np.uint8]:
        """A read-only copy of all states, flat."""
        copy = self._states.copy()
        copy.setflags(write=False)
        return copy
