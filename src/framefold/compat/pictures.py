"""Arrays as coloured pictures, under LiberTEM's names."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from framefold.compat.cyclic_colours import colours_of
from framefold.representations.colours import colour_table
from framefold.representations.contrast import robust_limits

_LEVELS = 256


def visualize_simple(
    result: NDArray[Any],
    colormap: str | Callable[[Any], Any] | None = None,
    logarithmic: bool = False,
    vmin: float | None = None,
    vmax: float | None = None,
    damage: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """A 2-D array in colours.

    Parameters
    ----------
    result : ndarray, shape (h, w)
        Complex values are shown by their magnitude.
    colormap : str or callable, optional
        One of framefold's colour tables, or a colour map of matplotlib; grey when left out.
    logarithmic : bool
        Whether to show the logarithm of the distance from the smallest value.
    vmin, vmax : float, optional
        What gets the first and the last colour.
    damage : ndarray of bool, optional
        Where the array means something.

    Returns
    -------
    ndarray of uint8, shape (h, w, 4)
        RGBA; transparent where nothing is shown.
    """
    values = np.abs(result) if np.iscomplexobj(result) else np.asarray(result)
    values = values.astype(np.float64)
    good = np.isfinite(values) if damage is None else np.isfinite(values) & np.asarray(damage, bool)
    if logarithmic and good.any():
        values = np.log(values - values[good].min() + 1)
    low, high = robust_limits(values[good])
    low, high = low if vmin is None else vmin, high if vmax is None else vmax
    spread = high - low or 1.0
    scaled = np.clip((np.where(good, values, low) - low) / spread, 0, 1)
    if callable(colormap):
        mapped = np.asarray(colormap(np.linspace(0, 1, _LEVELS)))[:, :3]
        table = np.rint(mapped * 255).astype(np.uint8)
    else:
        table = colour_table(colormap or "gray", _LEVELS)
    alpha = np.where(good, 255, 0).astype(np.uint8)[..., np.newaxis]
    return np.concatenate((table[np.rint(scaled * (_LEVELS - 1)).astype(np.intp)], alpha), axis=-1)


def rgb_from_2dvector(y: ArrayLike, x: ArrayLike, vmax: float | None = None) -> NDArray[np.uint8]:
    """A field of vectors in colours: direction as hue, length as its strength; grey for none.

    Parameters
    ----------
    y, x : array-like, shape (h, w), or numbers
        Components; one may be a number for all of them.
    vmax : float, optional
        Length that gets the full colour; the longest when left out.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    length = np.hypot(x, y)
    longest = np.nanmax(length, initial=0.0) if vmax is None else vmax
    scale = 1.0 / (longest or 1.0)
    return (colours_of(np.multiply(x, scale), np.multiply(y, scale)) * 255).astype(np.uint8)


def encode_image(
    result: NDArray[np.uint8], save_kwargs: Mapping[str, Any] | None = None
) -> io.BytesIO:
    """A picture as the bytes of a file, PNG unless ``save_kwargs`` names another format."""
    file = io.BytesIO()
    Image.fromarray(result).save(file, **(save_kwargs or {"format": "png"}))
    file.seek(0)
    return file
