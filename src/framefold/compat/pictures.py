"""Arrays as coloured pictures, under LiberTEM's names."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framefold.representations.colours import colour_table
from framefold.representations.contrast import robust_limits

_LEVELS = 256


def visualize_simple(
    result: NDArray[Any],
    colormap: str | None = None,
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
    colormap : str, optional
        One of framefold's colour tables; grey when left out.
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
    table = colour_table(colormap or "gray", _LEVELS)
    alpha = np.where(good, 255, 0).astype(np.uint8)[..., np.newaxis]
    return np.concatenate((table[np.rint(scaled * (_LEVELS - 1)).astype(np.intp)], alpha), axis=-1)


def rgb_from_2dvector(
    x: NDArray[Any], y: NDArray[Any], vmax: float | None = None
) -> NDArray[np.uint8]:
    """A field of vectors in colours: direction as hue, length as brightness.

    Parameters
    ----------
    x, y : ndarray, shape (h, w)
        Components.
    vmax : float, optional
        Length that gets full brightness; the longest when left out.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    length = np.hypot(x, y)
    longest = np.nanmax(length, initial=0.0) if vmax is None else vmax
    bright = np.nan_to_num(np.clip(length / (longest or 1.0), 0, 1))
    turn = np.nan_to_num(np.arctan2(y, x) / (2 * np.pi)) % 1.0
    hues = colour_table("phase", _LEVELS)[(turn * _LEVELS).astype(np.intp) % _LEVELS]
    return np.asarray(np.rint(hues * bright[..., np.newaxis]), dtype=np.uint8)


def encode_image(
    result: NDArray[np.uint8], save_kwargs: Mapping[str, Any] | None = None
) -> io.BytesIO:
    """A picture as the bytes of a file, PNG unless ``save_kwargs`` names another format."""
    file = io.BytesIO()
    Image.fromarray(result).save(file, **(save_kwargs or {"format": "png"}))
    file.seek(0)
    return file
