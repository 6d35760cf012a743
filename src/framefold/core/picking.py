"""Picking: the frame at a scan position, or the sum of some, from whatever still holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block, Frames, UndecodableFrames
from framefold.errors import FrameNotHeldError

_AT_ONCE_BYTES = 4 << 20  # decoded frames that are summed together

Origin = str
"""Where a frame was found: ``"ring"``, ``"recording"`` or ``"file"``."""


@runtime_checkable
class Holder(Protocol):
    """What may have frames that went to processing already, or have yet to."""

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement."""

    def held(
        self, positions: NDArray[np.int64]
    ) -> AbstractContextManager[Iterable[tuple[Origin, Block]]]:
        """Blocks in which frames may be found, the quickest to reach first.

        Parameters
        ----------
        positions : ndarray of int64
            Flat scan positions, ascending. Blocks may hold others, too, and some twice.

        Returns
        -------
        context manager
            The blocks stay good until it is left. They may be found one by one, so that nobody
            looks for more than is asked for.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """Frames that were asked for by their positions.

    Parameters
    ----------
    data : ndarray, shape sig_shape
        The frame in the type in which it was recorded; of several their sum, in a type of 64
        bits. Pixels that the detector masks are zero, unless they are to stay as recorded.
    positions : ndarray of int64
        Flat scan positions that are in it, ascending.
    lacking : ndarray of int64
        Those that are not: not there yet, lost, damaged, or gone.
    damaged : int
        How many of these are there, but cannot be decoded.
    origins : tuple of str
        Where the frames were found.
    """

    data: NDArray[Any]
    positions: NDArray[np.int64]
    lacking: NDArray[np.int64]
    damaged: int
    origins: tuple[Origin, ...]


def pick(source: object, positions: NDArray[np.int64]) -> Picked:
    """The frame at a position, or the sum of the frames at some.

    Parameters
    ----------
    source : Holder
        Anything else holds nothing.
    positions : ndarray of int64
        Flat scan positions; twice is once.

    Raises
    ------
    FrameNotHeldError
        If none of the frames can be had.
    """
    left = np.unique(np.asarray(positions, dtype=np.int64))
    asked = left
    if not isinstance(source, Holder):
        raise FrameNotHeldError(type(source).__name__, asked.tolist(), 0)
    known = source.acquisition
    total = _Total(known, single=len(asked) == 1)
    origins: list[Origin] = []
    damaged: set[int] = set()
    with source.held(asked) as blocks:
        for origin, block in blocks if len(left) else ():
            with block.open() as frames:
                rows = np.flatnonzero(np.isin(frames.positions, left))
                done = total.add(frames, rows)
                taken = frames.positions[done]
                damaged.update(np.setdiff1d(frames.positions[rows], taken).tolist())
            if len(taken) and origin not in origins:
                origins.append(origin)
            left = np.setdiff1d(left, taken, assume_unique=True)
            if not len(left):
                break
    if total.data is None:
        raise FrameNotHeldError(known.ident, asked.tolist(), len(damaged))
    found = np.setdiff1d(asked, left, assume_unique=True)
    return Picked(total.data, found, left, len(damaged & set(left.tolist())), tuple(origins))


class _Total:
    """The sum so far."""

    def __init__(self, known: Acquisition, *, single: bool) -> None:
        self._known = known
        self._mask = known.mask.shaped(known.sig_shape)
        self._type = known.dtype if single else _wide(known.dtype)
        self._step = max(1, _AT_ONCE_BYTES // known.frame_bytes)
        self.data: NDArray[Any] | None = None

    def add(self, frames: Frames, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the frames in these rows; those that could be decoded."""
        done = [np.empty(0, dtype=np.int64)]
        for start in range(0, len(rows), self._step):
            for good, pixels in self._read(frames, rows[start : start + self._step]):
                found = pixels.sum(axis=0, dtype=self._type)
                self.data = found if self.data is None else self.data + found
                done.append(good)
        return np.concatenate(done)

    def _read(
        self, frames: Frames, rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        out = np.empty((len(rows), *self._known.sig_shape), self._known.dtype)
        while len(rows):
            try:
                yield rows, self._mask.blanked(frames.read(rows, out))
            except UndecodableFrames as finding:
                rows = np.setdiff1d(rows, finding.rows)
                continue
            return


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    wide = {"b": "u8", "u": "u8", "i": "i8", "f": "f8", "c": "c16"}
    return np.dtype(wide[dtype.kind])
