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
    BEFORE_JOIN = 6
    """Its frame had gone by when we began to listen."""
    DROPPED = 7
    """Its frame came and was let go: processing was too slow, and the newest were to come first."""


def counted(states: NDArray[np.uint8]) -> dict[str, int]:
    """How many positions are in each state.

    Parameters
    ----------
    states : ndarray of uint8
        A `PositionState` for each position.

    Returns
    -------
    dict of str to int
        By the state's name in small letters; states without any are left out.
    """
    numbers = np.bincount(states.reshape(-1), minlength=len(PositionState))
    return {s.name.lower(): int(numbers[s]) for s in PositionState if numbers[s]}


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

    @classmethod
    def known(cls, states: NDArray[np.uint8]) -> Coverage:
        """A coverage with a state for each position."""
        made = cls(len(states), states != PositionState.UNSELECTED)
        made._states[:] = states
        made._merged = int(np.count_nonzero(states == PositionState.MERGED))
        return made

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

    def close(self, before_join: NDArray[np.bool_] | None = None) -> int:
        """Turn what is still awaited into missing.

        Parameters
        ----------
        before_join : ndarray of bool, shape (positions,), or None
            Positions whose frames went by before anybody listened.

        Returns
        -------
        int
            How many positions have no frame.
        """
        awaited = self._states == PositionState.AWAITED
        self._states[awaited] = PositionState.MISSING
        if before_join is not None:
            self._states[awaited & before_join] = PositionState.BEFORE_JOIN
        missing = (self._states == PositionState.MISSING) | (
            self._states == PositionState.BEFORE_JOIN
        )
        return int(np.count_nonzero(missing))

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
