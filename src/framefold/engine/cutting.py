"""Cutting: a block with holes becomes several partitions without, unless nobody minds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

UNSELECTED = -1
"""Rank of a position outside the region of interest."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows of a block that make one partition.

    Parameters
    ----------
    start : int
        ROI-compressed number of the first position.
    rows : ndarray of int64
        Rows of the block, in the order of their positions.
    numbers : ndarray of int64, shape (frames,), or None
        ROI-compressed number of each position, where there are holes between them.
    """

    start: int
    rows: NDArray[np.int64]
    numbers: NDArray[np.int64] | None = None


def ranks(selection: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The ROI-compressed number of every position.

    Parameters
    ----------
    selection : ndarray of bool, shape (positions,)
        Flat region of interest.

    Returns
    -------
    ndarray of int64, shape (positions,)
        How many selected positions come before each; ``UNSELECTED`` outside.
    """
    found = np.cumsum(selection, dtype=np.int64) - 1
    found[~selection] = UNSELECTED
    return found


def cut(
    positions: NDArray[np.int64],
    rank: NDArray[np.int64] | None,
    rows: NDArray[np.int64] | None = None,
    *,
    at_holes: bool = True,
) -> tuple[Cut, ...]:
    """Cut frames into ascending contiguous runs of selected positions.

    Parameters
    ----------
    positions : ndarray of int64, shape (frames,)
        Flat position of each row, strictly ascending.
    rank : ndarray of int64, shape (positions of the scan,), or None
        As `ranks` gives it; None when everything is selected.
    rows : ndarray of int64, or None
        Which rows to cut, ascending; None for all.
    at_holes : bool
        Whether that is what is done. If not, all of them stay together.

    Returns
    -------
    tuple of Cut
        In ascending order; empty when nothing is selected.
    """
    kept = np.arange(len(positions), dtype=np.int64) if rows is None else rows
    numbers = positions[kept]
    if rank is not None:
        numbers = rank[numbers]
        selected = numbers != UNSELECTED
        kept, numbers = kept[selected], numbers[selected]
    if not len(kept):
        return ()
    borders = np.flatnonzero(np.diff(numbers) != 1) + 1
    if len(borders) and not at_holes:
        return (Cut(int(numbers[0]), kept, numbers),)
    edges = [0, *borders.tolist(), len(kept)]
    return tuple(Cut(int(numbers[first]), kept[first:last]) for first, last in pairwise(edges))
