"""Summing: several frames at each position, added up while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import Block, Frames, UndecodableFrames
from framefold.core.pixel_mask import PixelMask
from framefold.formats.gathering import spans_of
from framefold.udf.blanker import Blanker

_BYTES = 4 * 1024 * 1024
"""Frames that are added up at a time: what the caches hold [bytes]."""


def sum_type(dtype: np.dtype[Any], each: int) -> np.dtype[Any]:
    """The pixel type that holds the sum of some frames exactly; floats stay what they are.

    Parameters
    ----------
    dtype : numpy.dtype
        Pixel type of the frames.
    each : int
        How many are added.
    """
    if dtype.kind not in "bui":
        return dtype
    high = each if dtype.kind == "b" else int(np.iinfo(dtype).max) * each
    kind = "i" if dtype.kind == "i" else "u"
    for size in (1, 2, 4, 8):
        wide = np.dtype(f"{kind}{size}")
        if np.iinfo(wide).max >= high:
            return wide
    return np.dtype(f"{kind}8")


@dataclass(frozen=True, slots=True, eq=False)
class SummedBlock:
    """A block whose frames are sums of those of another block.

    Parameters
    ----------
    inner : Block
        The frames one by one; position ``p * each + i`` is the i-th of position p.
    each : int
        How many make one.
    spans : tuple of (int, int)
        Flat scan positions ``[start, stop)`` that have all their frames.
    dtype : numpy.dtype
        Pixel type of the frames that are added.
    sig_shape : tuple of int
        Shape of a frame.
    sentinel : int or None
        The value that stands for none, to be left out of the sums.
    """

    inner: Block
    each: int
    spans: tuple[tuple[int, int], ...]
    dtype: np.dtype[Any]
    sig_shape: tuple[int, ...]
    sentinel: int | None = None

    @classmethod
    def of(
        cls,
        inner: Block,
        spans: tuple[tuple[int, int], ...],
        each: int,
        dtype: np.dtype[Any],
        sig_shape: tuple[int, ...],
        sentinel: int | None = None,
    ) -> SummedBlock | None:
        """The sums of a block; None if no position has all its frames.

        Parameters
        ----------
        inner, each, dtype, sig_shape, sentinel
            As above.
        spans : tuple of (int, int)
            Positions of ``inner``.
        """
        flat = np.concatenate([np.arange(a, b, dtype=np.int64) for a, b in spans])
        whole = _whole(flat, each)
        if not len(whole):
            return None
        return cls(inner, each, spans_of(flat[whole] // each), dtype, sig_shape, sentinel)

    @property
    def ident(self) -> int:
        """Number of the block within its reader."""
        return self.inner.ident

    @contextmanager
    def open(self) -> Iterator[SummedFrames]:
        """Reach the frames."""
        with self.inner.open() as frames:
            yield SummedFrames(frames, self.each, self.dtype, self.sig_shape, self.sentinel)


class SummedFrames:
    """The sums of an opened block.

    Parameters
    ----------
    frames : Frames
        The frames one by one.
    each, dtype, sig_shape, sentinel
        As for `SummedBlock`.
    """

    def __init__(
        self,
        frames: Frames,
        each: int,
        dtype: np.dtype[Any],
        sig_shape: tuple[int, ...],
        sentinel: int | None = None,
    ) -> None:
        self._frames = frames
        self._each = each
        self._dtype = dtype
        self._sig_shape = sig_shape
        mask = PixelMask(sentinel=sentinel)
        self._blanker = Blanker(mask, dtype, sig_shape) if mask.blanks else None
        # a sum that lacks a frame would be a wrong number: such positions stay missing
        self._starts = _whole(frames.positions, each)

    @property
    def positions(self) -> NDArray[np.int64]:
        """Flat scan position of each row, strictly ascending [positions]."""
        found: NDArray[np.int64] = self._frames.positions[self._starts] // self._each
        return found

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """Decode and add frames; see `framefold.core.block.Frames.read`."""
        each, count = self._each, len(rows)
        frame_bytes = int(np.prod(self._sig_shape)) * self._dtype.itemsize
        depth = max(1, _BYTES // max(1, each * frame_bytes))
        room = np.empty((min(depth, count) * each, *self._sig_shape), dtype=self._dtype)
        damaged: list[NDArray[np.int64]] = []
        reason = ""
        for first in range(0, count, depth):
            part = rows[first : first + depth]
            inner = (self._starts[part][:, None] + np.arange(each)).reshape(-1)
            try:
                pixels = self._frames.read(inner, room)
            except UndecodableFrames as finding:
                damaged.append(part[np.isin(inner, finding.rows).reshape(-1, each).any(axis=1)])
                reason = reason or finding.reason
                continue
            if self._blanker is not None:
                pixels = self._blanker.apply(pixels)
            stack = pixels.reshape(len(part), each, *self._sig_shape)
            np.add.reduce(stack, axis=1, dtype=out.dtype, out=out[first : first + len(part)])
        if damaged:
            raise UndecodableFrames(np.concatenate(damaged), reason)
        return out[:count]


def _whole(positions: NDArray[np.int64], each: int) -> NDArray[np.int64]:
    """Rows at which a position begins that has all its frames."""
    _, starts, counts = np.unique(positions // each, return_index=True, return_counts=True)
    found: NDArray[np.int64] = starts[counts == each].astype(np.int64)
    return found
