"""Small sums over shapes and selections, under LiberTEM's names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def prod(iterable: Iterable[Any]) -> int:
    """The product of whole numbers, as an int of any size.

    Raises
    ------
    ValueError
        If one of them is no whole number.
    """
    numbers = tuple(iterable)
    for number in numbers:
        if not isinstance(number, (int, np.integer, np.bool_)):
            raise ValueError(f"{number!r} is no whole number")
    return math.prod(int(number) for number in numbers)


def _dense(array: Any) -> NDArray[Any]:
    for densify in ("toarray", "todense"):
        if hasattr(array, densify):
            array = getattr(array, densify)()
    return np.asarray(array)


def count_nonzero(array: Any) -> int:
    """How many elements are not zero, of a dense or a sparse array."""
    if getattr(array, "nnz", None) is None:
        return int(np.count_nonzero(_dense(array)))
    # a sparse array may be too large to be made dense
    if not getattr(array, "has_canonical_format", True):
        array = array.copy()
        array.sum_duplicates()  # entries at one place stand for one element
    stored = int(np.count_nonzero(array.data))
    if not getattr(array, "fill_value", 0):
        return stored
    return prod(array.shape) - len(array.data) + stored


def flat_nonzero(array: Any) -> NDArray[np.intp]:
    """Flat C-order indices of what is not zero, of a dense or a sparse array."""
    return np.flatnonzero(_dense(array))


def ndenumerate(array: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Index and value of every element, of a dense or a sparse array."""
    return iter(np.ndenumerate(_dense(array)))


def make_2D_square(shape: Iterable[int]) -> tuple[int, ...]:  # noqa: N802 - the name users know
    """``(n, n)`` for ``(n * n,)``; any other shape as it is.

    Raises
    ------
    ValueError
        If a length is negative or no whole number.
    """
    given = tuple(shape)
    if any(int(n) != n or n < 0 for n in given):
        raise ValueError(f"{given} is no shape")
    side = math.isqrt(given[0]) if len(given) == 1 else 0
    return (side, side) if side and side * side == given[0] else given
