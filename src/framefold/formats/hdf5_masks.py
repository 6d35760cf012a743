"""A detector's own pixel mask, as an HDF5 file keeps it."""

from __future__ import annotations

from collections.abc import Iterable

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.formats.links import Links


def kept_mask(
    file: h5py.File, places: Iterable[str], sig_shape: tuple[int, ...], links: Links
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """The first mask of the frames' shape.

    Parameters
    ----------
    file : h5py.File
        The recording, opened.
    places : iterable of str
        Where to look, the best place first.
    sig_shape : tuple of int
        Shape of a frame [pixels].
    links : Links
        Which links may be followed.

    Returns
    -------
    (ndarray of bool or None, tuple of str)
        Pixels that are excluded; what is wrong with a mask that cannot be used, a sentence each.
    """
    problems: list[str] = []
    for place in places:
        try:
            item = links.item(file, place)
            if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "buif":
                continue
            if item.shape != sig_shape:
                problems.append(f"the pixel mask {place} has the shape {item.shape}, not a frame's")
                continue
            found: NDArray[np.bool_] = np.asarray(item[()]) != 0
        except (OSError, RuntimeError, DataError) as error:
            problems.append(f"the pixel mask {place} cannot be read: {error}")
            continue
        return found, ()
    return None, tuple(problems)
