"""BoxGrid: how frames lie in chunks that hold several of them, or parts; plain arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
"""A region of a frame."""


@dataclass(frozen=True, slots=True)
class BoxGrid:
    """The chunks of an array, as those who want frames see them.

    A *cell* is a chunk. Cells that differ in the detector's axes only make a *stack*: together
    they hold the same frames whole.

    Parameters
    ----------
    nav_shape, sig_shape : tuple of int
        Axes that count frames, and axes of a frame.
    nav_chunk, sig_chunk : tuple of int
        Length of a chunk along them.
    lengths : tuple of int
        Length of a chunk along all axes of the array, in their order.
    fixed : tuple of (int, int)
        Axis of the array -> index within the chunk, for axes that choose instead of counting.
    origin : tuple of int
        The first stack along each navigation axis, for a part of the grid.
    stacks : tuple of int
        How many stacks there are along each navigation axis.
    """

    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    nav_chunk: tuple[int, ...]
    sig_chunk: tuple[int, ...]
    lengths: tuple[int, ...]
    fixed: tuple[tuple[int, int], ...]
    origin: tuple[int, ...]
    stacks: tuple[int, ...]

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        chunk: tuple[int, ...],
        sig_dims: int,
        fixed: Mapping[int, int] | None = None,
    ) -> BoxGrid:
        """The grid of an array.

        Parameters
        ----------
        shape, chunk : tuple of int
            Of the array and of a chunk.
        sig_dims : int
            How many of the last axes belong to the detector.
        fixed : mapping of int to int or None
            Leading axes that choose instead of counting: axis -> index.
        """
        chosen = fixed or {}
        kept = [axis for axis in range(len(shape) - sig_dims) if axis not in chosen]
        nav_shape = tuple(shape[axis] for axis in kept) or (1,)
        nav_chunk = tuple(chunk[axis] for axis in kept) or (1,)
        return cls(
            nav_shape,
            shape[len(shape) - sig_dims :],
            nav_chunk,
            chunk[len(chunk) - sig_dims :],
            chunk,
            tuple((axis, index % chunk[axis]) for axis, index in sorted(chosen.items())),
            (0,) * len(nav_shape),
            tuple(-(-n // c) for n, c in zip(nav_shape, nav_chunk, strict=True)),
        )

    @property
    def per_stack(self) -> int:
        """Cells of a stack."""
        pairs = zip(self.sig_shape, self.sig_chunk, strict=True)
        return math.prod(-(-n // c) for n, c in pairs)

    @property
    def elements(self) -> int:
        """Pixels of a cell, those beyond the edges of the array included [pixels]."""
        return math.prod(self.lengths)

    @property
    def step(self) -> int:
        """How many frames, one after another, share stacks with each other and no others."""
        axis = next((a for a, n in enumerate(self.nav_chunk) if n > 1), len(self.nav_chunk) - 1)
        return self.nav_chunk[axis] * math.prod(self.nav_shape[axis + 1 :])

    @property
    def boxes(self) -> list[Box]:
        """The region of the frame that each cell of a stack holds, in the order of the cells."""
        axes = [
            [slice(low, min(low + c, n)) for low in range(0, n, c)]
            for n, c in zip(self.sig_shape, self.sig_chunk, strict=True)
        ]
        return list(itertools.product(*axes))

    def part(self, first: int, stop: int) -> BoxGrid:
        """The stacks that hold the frames ``[first, stop)``, and few others."""
        low = [int(i) for i in np.unravel_index(first, self.nav_shape)]
        high = [int(i) for i in np.unravel_index(stop - 1, self.nav_shape)]
        origin, stacks = list(self.origin), list(self.stacks)
        for axis, c in enumerate(self.nav_chunk):
            origin[axis] = low[axis] // c
            stacks[axis] = high[axis] // c + 1 - origin[axis]
            if low[axis] != high[axis]:  # all of what lies below is wanted
                break
        return replace(self, origin=tuple(origin), stacks=tuple(stacks))

    def window(self, whole: BoxGrid) -> Box:
        """Where the stacks of this part stand among those of the ``whole`` grid."""
        return tuple(
            slice(a - b, a - b + n)
            for a, b, n in zip(self.origin, whole.origin, self.stacks, strict=True)
        )

    def places(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which stack holds each of some frames, and which frame of the stack it is.

        Parameters
        ----------
        numbers : ndarray of int64
            Frame numbers over ``nav_shape`` in C order.

        Returns
        -------
        (ndarray of int64, ndarray of int64)
            Number of the stack within this part, C order; number of the frame in the stack.
        """
        index = np.unravel_index(numbers, self.nav_shape)
        stacks, inside = [], []
        for i, c, low in zip(index, self.nav_chunk, self.origin, strict=True):
            stacks.append(i // c - low)
            inside.append(i % c)
        return (
            np.ravel_multi_index(tuple(stacks), self.stacks).astype(np.int64),
            np.ravel_multi_index(tuple(inside), self.nav_chunk).astype(np.int64),
        )

    def frames(self, cell: NDArray[Any]) -> NDArray[Any]:
        """The decoded elements of a cell as frames: shape (frames of the stack,) + sig_chunk."""
        shaped = cell.reshape(self.lengths)
        for axis, index in reversed(self.fixed):
            shaped = shaped.take(index, axis=axis)
        return shaped.reshape(-1, *self.sig_chunk)


def groups(numbers: list[int], most: int) -> Iterator[list[int]]:
    """A list in pieces of at most ``most`` entries, at least one each."""
    for at in range(0, len(numbers), max(1, most)):
        yield numbers[at : at + max(1, most)]
