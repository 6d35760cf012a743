"""Pixels without value in the first frame, for recordings without a mask of their own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats.gathering import Segment


def repairable(acquisition: Acquisition, segments: tuple[Segment, ...]) -> Acquisition:
    """The acquisition with a mask to repair by, where that was asked for and the file has none.

    Parameters
    ----------
    acquisition : Acquisition
        With the type of the frames as stored.
    segments : tuple of Segment
        The frames; pixels without value are those of the first one.
    """
    mask = acquisition.mask
    if mask.masked != "repair" or mask.excluded is not None:
        return acquisition
    found = without_value(acquisition, segments)
    return (
        acquisition if found is None else replace(acquisition, mask=replace(mask, excluded=found))
    )


def without_value(
    acquisition: Acquisition, segments: tuple[Segment, ...]
) -> NDArray[np.bool_] | None:
    """Pixels of the first frame that hold the value which means none.

    Parameters
    ----------
    acquisition : Acquisition
        With the type of the frames as stored.
    segments : tuple of Segment
        The frames.

    Returns
    -------
    ndarray of bool, sig-shaped, or None
        None if no value means none, or the first frame cannot be read.
    """
    sentinel = acquisition.mask.sentinel
    if sentinel is None:
        return None
    first = segments[0]
    room = np.empty((1, math.prod(acquisition.sig_shape)), acquisition.dtype)
    try:
        piece = first.storage.piece(first.first, first.first + 1).open()
        try:
            pixels = piece.read(np.zeros(1, np.int64), room)
        finally:
            piece.close()
    except (UndecodableFrames, DataError):
        return None
    found: NDArray[np.bool_] = (pixels == sentinel).reshape(acquisition.sig_shape)
    return found
