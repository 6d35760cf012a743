"""Detector regions as runs of pixels: exact integer sums of what lies inside.

A run is a stretch of consecutive pixels that share one integer weight. A disk of radius r is
about 2r runs, whatever the number of pixels in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import partial_dtype

LONGEST = 1 << 15  # pixels; partial sums of uint16 stay below 2**32


@dataclass(frozen=True, slots=True)
class Runs:
    """Weighted stretches of pixels of several regions.

    Parameters
    ----------
    first, stop : ndarray of int64, shape (runs,)
        Flat pixel numbers; ``stop`` is exclusive and at most ``LONGEST`` beyond ``first``.
    weight : ndarray of int64, shape (runs,)
        What the sum of the run counts for.
    bounds : ndarray of int64, shape (regions + 1,)
        Region k has the runs ``bounds[k]`` to ``bounds[k + 1]``, the latter exclusive.
    """

    first: NDArray[np.int64]
    stop: NDArray[np.int64]
    weight: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @property
    def mean_length(self) -> float:
        """Pixels per run; infinite when there is none."""
        return float((self.stop - self.first).mean()) if self.first.size else float("inf")


def find_runs(masks: NDArray[Any], *, width: int | None = None) -> Runs:
    """The runs of equal, nonzero weight in each mask.

    Parameters
    ----------
    masks : ndarray of bool or integers, shape (m, pixels)
        Flat masks.
    width : int, optional
        Pixels per detector row; a run then never goes beyond the end of its row.

    Returns
    -------
    Runs
        In ascending order of pixels within each mask.
    """
    pixels = masks.shape[1]
    step = min(width or LONGEST, LONGEST)
    firsts, stops, weights, bounds = [], [], [], [0]
    forced = np.arange(0, pixels, step)
    if width is not None and width > LONGEST:
        forced = np.union1d(forced, np.arange(0, pixels, width))
    for mask in masks:
        values = mask.astype(np.int64)
        change = np.flatnonzero(np.diff(values)) + 1
        edges = np.union1d(np.append(forced, pixels), change)
        inside = np.flatnonzero(values[edges[:-1]]) if pixels else np.empty(0, np.int64)
        firsts.append(edges[:-1][inside])
        stops.append(edges[1:][inside])
        weights.append(values[edges[:-1][inside]])
        bounds.append(bounds[-1] + len(inside))
    empty = [np.empty(0, np.int64)]
    return Runs(
        np.concatenate(empty + firsts).astype(np.int64),
        np.concatenate(empty + stops).astype(np.int64),
        np.concatenate(empty + weights).astype(np.int64),
        np.array(bounds, np.int64),
    )


@kernel
def _run_sums(
    rows: NDArray[Any],
    first: NDArray[Any],
    stop: NDArray[Any],
    weight: NDArray[Any],
    bounds: NDArray[Any],
    partial: NDArray[Any],
    out: NDArray[Any],
) -> None:
    cast = partial.dtype.type
    for f in range(rows.shape[0]):
        row = rows[f]
        for k in range(bounds.size - 1):
            total = np.int64(0)
            for j in range(bounds[k], bounds[k + 1]):
                piece = row[first[j] : stop[j]]
                s = cast(0)
                for i in range(piece.size):
                    s = cast(s + piece[i])
                total += np.int64(s) * weight[j]
            out[f, k] = total


def run_sums(rows: NDArray[Any], runs: Runs) -> NDArray[np.int64]:
    """The weighted sum of each frame's pixels in each region.

    Parameters
    ----------
    rows : ndarray of integers, shape (n, pixels), C-contiguous, read-only
        Frames of a dtype the kernels take, as `framefold.kernels.rows.as_rows` gives them.
    runs : Runs
        Regions within the frame.

    Returns
    -------
    ndarray of int64, shape (n, regions)
        Exact as long as the sums fit 64 bit.
    """
    out = np.zeros((len(rows), len(runs.bounds) - 1), np.int64)
    partial = np.empty(0, partial_dtype(rows.dtype))  # hands the kernel a dtype, no memory
    _run_sums(rows, runs.first, runs.stop, runs.weight, runs.bounds, partial, out)
    return out
