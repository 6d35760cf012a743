"""Gathering: blocks of scans whose positions are not in the order of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.scan import NOWHERE
from framefold.formats.blocks import FileBlock
from framefold.formats.pieces import Piece, Storage


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Consecutive frames of the acquisition that lie one after another in one storage.

    Parameters
    ----------
    number : int
        Number of the first frame, as the detector counts, from 0.
    storage : Storage
        Where they lie.
    first : int
        Which frame of the storage is the first of them.
    count : int
        How many.
    """

    number: int
    storage: Storage
    first: int
    count: int


def present(segments: Sequence[Segment], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of some frames there are.

    Parameters
    ----------
    segments : sequence of Segment
        The frames there are; ascending, none twice.
    numbers : ndarray of int64
        Frame numbers, or ``NOWHERE``.
    """
    which, starts, stops = _which(segments, numbers)
    found: NDArray[np.bool_] = (
        (numbers != NOWHERE) & (numbers >= starts[which]) & (numbers < stops[which])
    )
    return found


def gather(
    ident: int,
    segments: Sequence[Segment],
    start: int,
    numbers: NDArray[np.int64],
    sig_shape: tuple[int, ...],
) -> FileBlock | None:
    """A block of the frames that belong to a stretch of positions, wherever they lie.

    Parameters
    ----------
    ident : int
        Number of the block.
    segments : sequence of Segment
        The frames there are.
    start : int
        The first position.
    numbers : ndarray of int64
        Frame of each position of the stretch, or ``NOWHERE``.
    sig_shape : tuple of int
        Shape of a frame.

    Returns
    -------
    FileBlock or None
        None if there is no frame.
    """
    here = np.flatnonzero(present(segments, numbers))
    if not len(here):
        return None
    numbers = numbers[here]
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    which, starts, _ = _which(segments, ordered)
    firsts = np.array([segment.first for segment in segments], dtype=np.int64)
    stored = ordered - starts[which] + firsts[which]
    pieces: list[Piece] = []
    rows = np.empty(len(ordered), dtype=np.int64)
    before = 0
    for low, high in _stretches(segments, which, stored):
        storage = segments[which[low]].storage
        piece = storage.piece(int(stored[low]), int(stored[high - 1]) + 1)
        rows[order[low:high]] = before + stored[low:high] - stored[low]
        before += piece.frames
        pieces.append(piece)
    # a block of many tiny frames travels with a row for each: half as long where that will do
    short = rows.astype(np.int32) if before < 2**31 else rows
    return FileBlock(ident, spans_of(here + start), tuple(pieces), sig_shape, short)


def spans_of(positions: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Ascending positions as stretches ``[start, stop)``."""
    cuts = np.flatnonzero(np.diff(positions) != 1) + 1
    starts = positions[np.concatenate([[0], cuts])].tolist()
    stops = positions[np.concatenate([cuts - 1, [len(positions) - 1]])].tolist()
    return tuple((a, b + 1) for a, b in zip(starts, stops, strict=True))


def _which(
    segments: Sequence[Segment], numbers: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """The segment that each frame would be in; numbers at which the segments start and stop."""
    starts = np.array([segment.number for segment in segments], dtype=np.int64)
    stops = starts + np.array([segment.count for segment in segments], dtype=np.int64)
    return np.maximum(np.searchsorted(starts, numbers, side="right") - 1, 0), starts, stops


def _stretches(
    segments: Sequence[Segment], which: NDArray[Any], stored: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Frames that one piece can stand for."""
    gaps = np.array([getattr(s.storage, "gap", 1) for s in segments], dtype=np.int64)
    far = np.diff(stored) > gaps[which[1:]]
    cuts = (np.flatnonzero((np.diff(which) != 0) | far) + 1).tolist()
    edges = [0, *cuts, len(stored)]
    return list(pairwise(edges))
