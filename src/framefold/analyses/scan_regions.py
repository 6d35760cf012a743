"""Parts of a scan that an analysis is restricted to, as its ``roi`` parameter describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.detector_masks import circular
from framefold.analyses.numbers import check_number
from framefold.errors import ParameterError, ShapeError

_SHAPES = {"disk": ("cx", "cy", "r"), "rect": ("x", "y", "width", "height")}


def scan_region(described: Any, nav_shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """The positions of a described part of a scan.

    Parameters
    ----------
    described : mapping, ndarray of bool or None
        ``{"shape": "disk", "cx": ..., "cy": ..., "r": ...}`` or ``{"shape": "rect", "x": ...,
        "y": ..., "width": ..., "height": ...}`` [scan steps]; an array is taken as it is; nothing
        stands for the whole scan.
    nav_shape : tuple of int
        Shape of the scan.

    Returns
    -------
    ndarray of bool, shape nav_shape, or None

    Raises
    ------
    ParameterError
        If the description is not understood.
    ShapeError
        If the scan has other than two axes.
    """
    if described is None or not isinstance(described, Mapping):
        return None if described is None else np.asarray(described, np.bool_)
    if not described:
        return None
    shape = described.get("shape")
    if shape not in _SHAPES:
        raise ParameterError(f"roi has shape={shape!r}; there are {', '.join(_SHAPES)}")
    for name in _SHAPES[shape]:
        check_number(f"roi {name}", described.get(name))
    if len(nav_shape) != 2:
        raise ShapeError(f"a {shape} needs a scan of rows and columns, this is {nav_shape}")
    rows, columns = nav_shape
    if shape == "disk":
        disk = circular(described["cx"], described["cy"], columns, rows, described["r"])
        return np.asarray(disk, np.bool_)
    y, x = np.ogrid[:rows, :columns]
    top, left = described["y"], described["x"]
    inside = (y >= top) & (y < top + described["height"])
    return np.asarray(inside & (x >= left) & (x < left + described["width"]))
