"""Shape and Slice: sizes and boxes split into navigation and signal axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from framefold.errors import SliceUsageError


class Shape:
    """Lengths of all axes, the last ``sig_dims`` of them signal axes, the others navigation.

    Parameters
    ----------
    shape : iterable of int
        Lengths, navigation axes first [elements].
    sig_dims : int
        How many of the last axes belong to the detector.
    """

    __slots__ = ("_sig_dims", "_tuple")

    def __init__(self, shape: Iterable[int], sig_dims: int) -> None:
        self._tuple = tuple(int(n) for n in shape)
        self._sig_dims = int(sig_dims)

    @property
    def sig_dims(self) -> int:
        """How many signal axes there are."""
        return self._sig_dims

    @property
    def nav(self) -> Shape:
        """The navigation axes alone."""
        return Shape(self._tuple[: len(self._tuple) - self._sig_dims], 0)

    @property
    def sig(self) -> Shape:
        """The signal axes alone."""
        return Shape(self._tuple[len(self._tuple) - self._sig_dims :], self._sig_dims)

    @property
    def dims(self) -> int:
        """How many axes there are."""
        return len(self._tuple)

    @property
    def size(self) -> int:
        """Product of the lengths; 0 when there is no axis at all."""
        return math.prod(self._tuple) if self._tuple else 0

    def flatten_nav(self) -> Shape:
        """One navigation axis, signal axes kept."""
        return Shape((self.nav.size, *self.sig), self._sig_dims)

    def flatten_sig(self) -> Shape:
        """Navigation axes kept, one signal axis."""
        return Shape((*self.nav, self.sig.size), 1)

    def to_tuple(self) -> tuple[int, ...]:
        """All lengths as a plain tuple."""
        return self._tuple

    def __iter__(self) -> Iterator[int]:
        return iter(self._tuple)

    def __len__(self) -> int:
        return len(self._tuple)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        return self._tuple[index]

    def __add__(self, other: Sequence[int]) -> Shape:
        if not isinstance(other, tuple):
            return NotImplemented
        return Shape(self._tuple + other, self._sig_dims + len(other))

    def __radd__(self, other: Sequence[int]) -> Shape:
        # UDF authors know it this way round: the tuple goes behind the navigation axes
        if not isinstance(other, tuple):
            return NotImplemented
        return Shape((*self.nav, *other, *self.sig), self._sig_dims)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Shape):
            raise NotImplementedError(
                f"a Shape equals only another Shape; compare tuple(shape) with {other!r}"
            )
        return self._tuple == other._tuple and self._sig_dims == other._sig_dims

    def __hash__(self) -> int:
        return hash((self._tuple, self._sig_dims))

    def __reduce__(self) -> tuple[object, ...]:
        return (Shape, (self._tuple, self._sig_dims))

    def __repr__(self) -> str:
        return f"{self._tuple}"


class Slice:
    """A box: where it starts and how long it is along each axis.

    Parameters
    ----------
    origin : iterable of int
        First element along each axis.
    shape : Shape
        Lengths; tells which axes are signal axes.

    Raises
    ------
    SliceUsageError
        If origin and shape have different numbers of axes, or the shape is a plain tuple.
    """

    __slots__ = ("origin", "shape")

    origin: tuple[int, ...]
    shape: Shape

    def __init__(self, origin: Iterable[int], shape: Shape) -> None:
        self.origin = tuple(int(n) for n in origin)
        self.shape = shape
        if not isinstance(shape, Shape):
            raise SliceUsageError(f"{shape!r} is no Shape, which tells the signal axes")
        if len(self.origin) != len(shape):
            raise SliceUsageError(
                f"origin {self.origin} has {len(self.origin)} axes, shape {shape} has {len(shape)}"
            )

    @classmethod
    def from_shape(cls, shape: Iterable[int], sig_dims: int) -> Slice:
        """The box that starts at zero."""
        lengths = Shape(shape, sig_dims)
        return cls((0,) * len(lengths), lengths)

    @property
    def nav(self) -> Slice:
        """The navigation axes alone."""
        return Slice(self.origin[: len(self.origin) - self.shape.sig_dims], self.shape.nav)

    @property
    def sig(self) -> Slice:
        """The signal axes alone."""
        return Slice(self.origin[len(self.origin) - self.shape.sig_dims :], self.shape.sig)

    @overload
    def get(
        self, arr: None = None, sig_only: bool = False, nav_only: bool = False
    ) -> tuple[Any, ...]: ...
    @overload
    def get(
        self, arr: NDArray[Any], sig_only: bool = False, nav_only: bool = False
    ) -> NDArray[Any]: ...
    def get(
        self, arr: NDArray[Any] | None = None, sig_only: bool = False, nav_only: bool = False
    ) -> Any:
        """The box as an index, or the part of an array it stands for.

        Parameters
        ----------
        arr : ndarray, optional
            What to cut; without it the index itself is returned.
        sig_only : bool
            Cut the last axes only, however many there are in front.
        nav_only : bool
            Cut the navigation axes only.

        Raises
        ------
        SliceUsageError
            If both ``sig_only`` and ``nav_only`` are asked for.
        """
        if sig_only and nav_only:
            raise SliceUsageError("sig_only and nav_only exclude each other; give one of them")
        box = self.sig if sig_only else self.nav if nav_only else self
        index: tuple[Any, ...] = tuple(
            slice(o, o + n) for o, n in zip(box.origin, box.shape, strict=True)
        )
        if arr is None:
            return index
        return arr[(..., *index) if sig_only else index]

    def discard_nav(self) -> Slice:
        """The same box with navigation zeroed, as a key for what depends on signal axes only."""
        nothing = (0,) * self.shape.nav.dims
        return Slice(
            nothing + self.sig.origin, Shape(nothing + self.shape.sig.to_tuple(), self._sig)
        )

    def flatten_nav(self, containing_shape: Shape | tuple[int, ...]) -> Slice:
        """The same box over one flat navigation axis.

        Parameters
        ----------
        containing_shape : Shape or tuple of int
            What the box lies in; its leading axes are the navigation axes.

        Raises
        ------
        SliceUsageError
            If the box is not contiguous over the flat axis.
        """
        nav_dims = self.shape.nav.dims
        outer = tuple(containing_shape)[:nav_dims]
        lengths = self.shape.nav.to_tuple()
        first = next((axis for axis, n in enumerate(lengths) if n != 1), nav_dims)
        if lengths[first + 1 :] != outer[first + 1 :]:
            raise SliceUsageError(f"{self} is not contiguous in the navigation axes {outer}")
        origin = int(np.ravel_multi_index(self.origin[:nav_dims], outer))
        return Slice(
            (origin, *self.sig.origin), Shape((math.prod(lengths), *self.shape.sig), self._sig)
        )

    def intersection_with(self, other: Slice) -> Slice:
        """The box both have in common; lengths are 0 where they have nothing.

        Raises
        ------
        SliceUsageError
            If the boxes have different axes.
        """
        self._same_axes(other)
        origin = tuple(map(max, self.origin, other.origin))
        ends = (
            min(a + n, b + m)
            for a, n, b, m in zip(self.origin, self.shape, other.origin, other.shape, strict=True)
        )
        lengths = (max(0, end - o) for o, end in zip(origin, ends, strict=True))
        return Slice(origin, Shape(lengths, self._sig))

    def is_null(self) -> bool:
        """Whether the box holds no element."""
        return any(n == 0 for n in self.shape)

    def shift(self, other: Slice) -> Slice:
        """The same box as seen from the origin of another.

        Raises
        ------
        SliceUsageError
            If the boxes have different axes.
        """
        self._same_axes(other)
        return Slice((a - b for a, b in zip(self.origin, other.origin, strict=True)), self.shape)

    def shift_by(self, offset: Sequence[int]) -> Slice:
        """The same box moved along the signal axes, or along all of them.

        Parameters
        ----------
        offset : sequence of int
            By how much, one number for each signal axis [pixels], or one for each axis.
        """
        if len(offset) not in (self._sig, len(self.shape)):
            raise SliceUsageError(
                f"offset {tuple(offset)} needs {self._sig} or {len(self.shape)} numbers"
            )
        moved = (0,) * (len(self.shape) - len(offset)) + tuple(offset)
        return Slice((o + int(d) for o, d in zip(self.origin, moved, strict=True)), self.shape)

    def clip_to(self, shape: Shape | Sequence[int]) -> Slice:
        """The part of the box that lies within a shape that starts at zero."""
        return self.intersection_with(Slice.from_shape(shape, self._sig))

    def subslices(self, shape: Sequence[int] | Shape) -> Iterator[Slice]:
        """The box cut into a grid of smaller ones, in C order; those at the border may be smaller.

        Parameters
        ----------
        shape : sequence of int
            Lengths of one cell, at least 1 each.
        """
        cell = tuple(shape)
        if len(cell) != len(self.shape) or any(n < 1 for n in cell):
            raise SliceUsageError(f"cells of shape {cell} do not cut a box of shape {self.shape}")
        starts = itertools.product(
            *(
                range(o, o + n, step)
                for o, n, step in zip(self.origin, self.shape, cell, strict=True)
            )
        )
        for start in starts:
            yield Slice(start, Shape(cell, self._sig)).intersection_with(self)

    def adjust_for_roi(self, roi: NDArray[np.bool_] | None) -> Slice:
        """The same frames counted along the compressed axis of selected frames.

        Parameters
        ----------
        roi : ndarray of bool, or None
            The selection, nav-shaped or flat; None returns the box unchanged.

        Raises
        ------
        SliceUsageError
            If the box has not exactly one navigation axis.
        """
        if roi is None:
            return self
        if self.shape.nav.dims != 1:
            raise SliceUsageError(f"{self} needs one flat navigation axis; use flatten_nav first")
        flat = np.asarray(roi, dtype=bool).reshape(-1)
        first, count = self.origin[0], self.shape[0]
        before = int(np.count_nonzero(flat[:first]))
        inside = int(np.count_nonzero(flat[first : first + count]))
        return Slice((before, *self.origin[1:]), Shape((inside, *self.shape.sig), self._sig))

    @property
    def _sig(self) -> int:
        return self.shape.sig_dims

    def _same_axes(self, other: Slice) -> None:
        if len(self.shape) != len(other.shape) or self._sig != other._sig:
            raise SliceUsageError(f"{self} and {other} have different axes")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Slice):
            return NotImplemented
        return self.origin == other.origin and self.shape == other.shape

    def __hash__(self) -> int:
        return hash((self.origin, self.shape))

    def __reduce__(self) -> tuple[object, ...]:
        return (Slice, (self.origin, self.shape))

    def __repr__(self) -> str:
        return f"<Slice origin={self.origin} shape={self.shape}>"
