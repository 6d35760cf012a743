"""Colours for directions: a closed circle round grey, so that short vectors fade into it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.registry import load_target

LEVELS = 512
_WEIGHTS = np.array([[1.0, 0.0], [0.0, 1.0], [-np.sqrt(0.5), -np.sqrt(0.5)]])
"""What x and y add to red, green and blue.

Opposite directions get complementary colours: x tells red from cyan, y green from purple. Rows of
length 1 keep vectors up to length 1 within the colours there are.
"""


def colours_of(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Colours of vectors in and on the unit circle.

    Parameters
    ----------
    x, y : array-like
        Components; longer vectors are cut at length 1, NaN counts as 0.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        Red, green, blue from 0 to 1; 0.5 each for no length.
    """
    across, down = np.broadcast_arrays(np.nan_to_num(x), np.nan_to_num(y))
    vector = np.stack((across, down), axis=-1).astype(np.float64)
    vector /= np.maximum(1.0, np.hypot(vector[..., 0], vector[..., 1]))[..., np.newaxis]
    return np.asarray(0.5 + 0.5 * vector @ _WEIGHTS.T)


class CyclicColours:
    """Colours round the circle; called with places on it from 0 to 1, 0 and 1 at minus x."""

    def __call__(self, place: ArrayLike) -> NDArray[np.float64]:
        """Red, green, blue and opacity, shape (..., 4), from 0 to 1."""
        angle = (np.asarray(place, dtype=np.float64) * 2 - 1) * np.pi
        colours = colours_of(np.cos(angle), np.sin(angle))
        return np.concatenate((colours, np.ones((*colours.shape[:-1], 1))), axis=-1)


def cyclic_colour_map() -> Any:
    """`CyclicColours`, as a matplotlib colour map where there is matplotlib."""
    colours = CyclicColours()
    # no dependency of ours: what it is for is matplotlib's cmap=, and only there it is needed
    try:
        listed = load_target("matplotlib.colors:ListedColormap")
    except ImportError:
        return colours
    return listed(colours(np.linspace(0, 1, LEVELS)), name="libertem_cyclic")


libertem_cyclic = cyclic_colour_map()
