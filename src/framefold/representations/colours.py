"""Colour tables by name: perceptually even ramps, and one of distinct colours for states."""

from __future__ import annotations

from functools import lru_cache

import cmap
import numpy as np
from numpy.typing import NDArray

from framefold.core.coverage import PositionState
from framefold.errors import ParameterError, nearest

# with its collection in front, so that the catalogue never has to guess which one was meant
_CATALOGUE = {
    "gray": "matlab:gray",
    "viridis": "bids:viridis",
    "inferno": "bids:inferno",
    "magma": "bids:magma",
    "plasma": "bids:plasma",
    "cividis": "cividis:cividis",
    "turbo": "google:turbo",
    "cubehelix": "cubehelix:cubehelix",
    "coolwarm": "matplotlib:coolwarm",
    "rdbu": "colorbrewer:RdBu",
    "twilight": "matplotlib:twilight",
    "phase": "cmocean:phase",
}

# one colour for each PositionState, told apart by brightness too for the colour-blind
_STATES = {
    PositionState.AWAITED: (24, 30, 42),
    PositionState.MERGED: (86, 180, 233),
    PositionState.MISSING: (213, 94, 0),
    PositionState.CORRUPT: (240, 228, 66),
    PositionState.SET_ASIDE: (204, 121, 167),
    PositionState.UNSELECTED: (70, 78, 94),
    PositionState.BEFORE_JOIN: (0, 114, 178),
    PositionState.DROPPED: (0, 158, 115),
}

NAMES = (*_CATALOGUE, "states")
"""All colour tables; ``states`` is for coverage."""


@lru_cache(maxsize=32)
def colour_table(name: str, levels: int) -> NDArray[np.uint8]:
    """A colour table.

    Parameters
    ----------
    name : str
        One of `NAMES`; with ``_r`` behind it, reversed.
    levels : int
        How many colours.

    Returns
    -------
    ndarray of uint8, shape (levels, 3)
        sRGB, read-only.

    Raises
    ------
    ParameterError
        If there is none of that name; it names the nearest.
    """
    base = name.removesuffix("_r")
    if base not in NAMES:
        close = nearest(name, NAMES)
        hint = f"; did you mean {close!r}?" if close else ""
        raise ParameterError(f"unknown cmap {name!r}{hint} (known: {', '.join(NAMES)})")
    if base == "states":
        states = np.array([_STATES[state] for state in PositionState], dtype=np.uint8)
        table = states[np.rint(np.linspace(0, len(states) - 1, levels)).astype(np.intp)]
    else:
        colours = cmap.Colormap(_CATALOGUE[base]).lut(levels)[:, :3]
        table = np.rint(colours * 255).astype(np.uint8)
    table = np.ascontiguousarray(table[::-1] if name.endswith("_r") else table)
    table.setflags(write=False)
    return table
