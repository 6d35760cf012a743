"""The selections of scan positions that users may write, made one thing: a flat array of bool."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError, ShapeError


def selection(roi: Any, nav_shape: Sequence[int]) -> NDArray[np.bool_] | None:
    """Which scan positions are wanted.

    Parameters
    ----------
    roi : object
        None for all, or one of

        * an array of bool, nav-shaped or with as many elements (other types are cast, with a
          warning); nested lists of bool;
        * a sparse matrix or array (scipy, pydata/sparse);
        * the coordinates of one position, e.g. ``(y, x)``;
        * a list of coordinates;
        * a list of ``(coordinates, True)``: these positions, or of ``(coordinates, False)``: all
          but these.

        Coordinates are integers, one for each axis of the scan; negative ones count from the
        end.
    nav_shape : sequence of int
        Shape of the scan [positions].

    Returns
    -------
    ndarray of bool, shape (positions,), or None
        A read-only copy in C order of the scan; None when everything is wanted.

    Raises
    ------
    ShapeError
        If the elements are not as many as the positions; a ValueError.
    ParameterError
        If positions do not exist, or it is none of the above; a ValueError.
    """
    if roi is None:
        return None
    nav = tuple(int(n) for n in nav_shape)
    if hasattr(roi, "toarray") or hasattr(roi, "todense"):
        roi = roi.toarray() if hasattr(roi, "toarray") else roi.todense()
    if isinstance(roi, np.ndarray):
        flat = _from_array(roi, nav)
    elif isinstance(roi, (list, tuple)):
        flat = _from_sequence(roi, nav)
    else:
        raise ParameterError(
            f"roi: {type(roi).__name__} {roi!r} is no selection; give an array of bool, the "
            "coordinates of a position, or a list of them"
        )
    flat.setflags(write=False)
    return flat


class RoiMaker:
    """Makes selections by indexing: ``maker[3:7, 9:12]`` has these positions True.

    Parameters
    ----------
    nav_shape : sequence of int
        Shape of the scan [positions].
    """

    def __init__(self, nav_shape: Sequence[int]) -> None:
        self._nav_shape = tuple(nav_shape)

    def __getitem__(self, index: Any) -> NDArray[np.bool_]:
        mask = np.zeros(self._nav_shape, dtype=bool)
        mask[index] = True
        return mask


def _from_array(roi: NDArray[Any], nav: tuple[int, ...]) -> NDArray[np.bool_]:
    if roi.size != math.prod(nav):
        raise ShapeError(
            f"roi: incompatible shapes, {roi.shape} has {roi.size} elements, the scan {nav} has "
            f"{math.prod(nav)} positions"
        )
    if roi.dtype != np.bool_:
        warnings.warn(
            f"ROI dtype is {roi.dtype}, expected bool. Attempting cast to bool.",
            UserWarning,
            stacklevel=3,
        )
    return np.array(roi, dtype=bool).reshape(-1)


def _from_sequence(roi: Sequence[Any], nav: tuple[int, ...]) -> NDArray[np.bool_]:
    if roi and _is_bool(_first_leaf(roi)):
        return _from_array(np.array(roi, dtype=bool), nav)
    if _is_coordinate(roi, nav):
        roi = [roi]
    truths = {bool(item[1]) for item in roi if _is_pair(item)}
    if len(truths) > 1:
        raise ParameterError(
            "roi: more than one truth value; list either wanted or unwanted positions"
        )
    if truths and not all(_is_pair(item) for item in roi):
        raise ParameterError("roi: give a truth value with each position of the list, or with none")
    wanted = truths.pop() if truths else True
    flat = np.full(math.prod(nav), not wanted)
    for item in roi:
        flat[_position(item[0] if _is_pair(item) else item, nav)] = wanted
    return flat


def _position(item: Any, nav: tuple[int, ...]) -> int:
    """Flat position of one set of coordinates; a bare number will do for a scan of one axis."""
    coordinate = (item,) if _is_integer(item) else item
    if not _is_coordinate(coordinate, nav):
        raise ParameterError(
            f"roi: {item!r} is no position of the scan {nav}; it takes {len(nav)} integers"
        )
    position = 0
    for value, length in zip(coordinate, nav, strict=True):
        index = int(value) + length if value < 0 else int(value)
        if not 0 <= index < length:
            raise ParameterError(f"roi: position {item!r} lies outside of the scan {nav}")
        position = position * length + index
    return position


def _first_leaf(item: Any) -> Any:
    while isinstance(item, (list, tuple)) and item:
        item = item[0]
    return item


def _is_bool(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not _is_bool(value)


def _is_coordinate(item: Any, nav: tuple[int, ...]) -> bool:
    sized = isinstance(item, (list, tuple, np.ndarray))
    return sized and len(item) == len(nav) and all(_is_integer(value) for value in item)


def _is_pair(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2 and _is_bool(item[1])
