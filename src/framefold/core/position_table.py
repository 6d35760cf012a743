"""PositionTable: where each frame belongs, told one by one; for irregular and random scans."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.errors import ScanError


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class PositionTable:
    """The order in which the positions of a scan were visited.

    Parameters
    ----------
    entries : ndarray of int64, shape (visits,)
        Flat C-order position of each visit [positions]; negative for none.
    frames : ndarray of int64, shape (positions,)
        Which visit each position had first; -1 for none. Its frame is the one that counts.
    has_repeats : bool
        Whether some position is visited more than once.
    elsewhere : callable or None
        Gives the same table in another process, where its numbers need not travel; small and
        picklable.
    """

    entries: NDArray[np.int64]
    frames: NDArray[np.int64]
    has_repeats: bool
    elsewhere: Callable[[], PositionTable] | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Callable[..., PositionTable], tuple[object, ...]]:
        if self.elsewhere is not None:
            return self.elsewhere, ()
        return PositionTable, (self.entries, self.frames, self.has_repeats)

    @classmethod
    def of(cls, coordinates: ArrayLike, shape: tuple[int, ...], skipped: int = 0) -> PositionTable:
        """A table for a scan of some shape.

        Parameters
        ----------
        coordinates : array-like of int, shape (visits,) or (visits, axes)
            Flat positions; or indices along the navigation axes, slow axis first. With one
            column less than the scan has axes, the first axis counts the passes: the first
            visit of a point goes to pass 0, its second to pass 1, and so on. Negative numbers
            stand for frames without a place.
        shape : tuple of int
            The scan's shape.
        skipped : int
            Visits at the start that have no frames: they are nobody's first.

        Raises
        ------
        ScanError
            If the coordinates are no whole numbers, or lie outside the scan.
        """
        found = whole_numbers(coordinates)
        size = math.prod(shape)
        if found.ndim == 1 or (found.shape[1] == 1 and len(shape) != 2):
            flat = found.reshape(-1)
        else:
            flat = _flattened(found, shape)
        if len(flat) and flat.max() >= size:
            raise ScanError(
                f"entry {int(flat.argmax())} of the position table is position {flat.max()}, but "
                f"the scan {shape} has only {size}"
            )
        frames = np.full(size, -1, dtype=np.int64)
        visits = np.flatnonzero(flat >= 0)
        visits = visits[np.searchsorted(visits, skipped) :]
        # backwards: of several visits the first is the one that stays
        frames[flat[visits[::-1]]] = visits[::-1]
        has_repeats = bool((frames[flat[visits]] != visits).any())
        return cls(np.ascontiguousarray(flat), frames, has_repeats)


def whole_numbers(coordinates: ArrayLike) -> NDArray[np.int64]:
    """A table of coordinates, checked.

    Raises
    ------
    ScanError
        If it is none.
    """
    try:
        found = np.asarray(coordinates)
        with np.errstate(invalid="ignore"):  # of NaN and infinity, which are told below
            exact = found.astype(np.int64)
    except (TypeError, ValueError) as error:
        raise ScanError(f"the position table holds no whole numbers: {error}") from error
    if found.ndim not in (1, 2) or not found.size:
        raise ScanError(
            f"a position table is (frames,) or (frames, axes), not of shape {found.shape}"
        )
    if found.dtype.kind == "u" and int(found.max()) > np.iinfo(np.int64).max:
        raise ScanError(f"{found.max()} is no position of any scan")
    if found.dtype.kind not in "iuf":
        raise ScanError(f"a position table holds whole numbers, not {found.dtype}")
    odd = np.flatnonzero((exact != found).reshape(len(found), -1).any(axis=1))
    if len(odd):
        raise ScanError(
            f"entry {odd[0]} of the position table is {found[odd[0]].tolist()}, and it holds "
            "fractions; give the indices of scan positions, e.g. coordinates divided by the step "
            "and rounded"
        )
    return exact


def table_shape(coordinates: NDArray[np.int64]) -> tuple[int, ...]:
    """The smallest scan that a table fits."""
    columns = coordinates.reshape(len(coordinates), -1)
    return tuple(int(n) + 1 for n in np.maximum(columns.max(axis=0), 0))


def _flattened(found: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    axes = found.shape[1]
    if axes not in (len(shape), len(shape) - 1):
        raise ScanError(f"a position table with {axes} columns does not fit the scan {shape}")
    lengths = np.array(shape[len(shape) - axes :], dtype=np.int64)
    nowhere = (found < 0).any(axis=1)
    outside = (found >= lengths).any(axis=1) & ~nowhere
    if outside.any():
        first = int(outside.argmax())
        raise ScanError(
            f"entry {first} of the position table is {tuple(found[first].tolist())}, which lies "
            f"outside the scan {shape}"
        )
    steps = np.append(np.cumprod(lengths[::-1])[::-1][1:], 1)
    flat: NDArray[np.int64] = found @ steps
    if axes < len(shape):
        passes = _passes(flat)
        nowhere |= passes >= shape[0]
        flat = flat + passes * int(lengths.prod())
    flat[nowhere] = -1
    return flat


def _passes(flat: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each point had been visited before."""
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    first = np.append(True, ordered[1:] != ordered[:-1])
    starts = np.flatnonzero(first)
    passes = np.empty_like(flat)
    passes[order] = np.arange(len(flat)) - np.repeat(starts, np.diff([*starts, len(flat)]))
    return passes
