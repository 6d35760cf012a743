"""A detector's own pixel mask out of the header of a stream, decoded where it came compressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import decode_one
from framefold.core.pixel_mask import Masked, PixelMask, largest
from framefold.errors import CodecError


def told_mask(
    metadata: Mapping[str, object],
    sig_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    masked: Masked,
) -> PixelMask:
    """What the header of a DECTRIS stream says of pixels without value.

    Parameters
    ----------
    metadata : mapping
        What the header held: ``pixel_mask``, an array or one that is still encoded, in which
        anything but 0 is bad; ``error_value``, where it is not the largest of the pixel type.
    sig_shape : tuple of int
        Shape of a frame [pixels].
    dtype : numpy.dtype
        Pixel type.
    masked : str
        What is done with them.

    Returns
    -------
    PixelMask
        Without pixels where the header has no mask, or one of another shape.
    """
    excluded = _array(metadata.get("pixel_mask"))
    if excluded is not None and excluded.shape != tuple(sig_shape):
        excluded = None
    told = metadata.get("error_value")
    sentinel = largest(dtype)
    if isinstance(told, int) and dtype.kind in "ui":
        limits = np.iinfo(dtype)
        sentinel = told if limits.min <= told <= limits.max else sentinel
    return PixelMask(None if excluded is None else excluded != 0, sentinel, masked)


def _array(told: Any) -> NDArray[Any] | None:
    if isinstance(told, np.ndarray):
        return told
    if not hasattr(told, "encoding"):
        return None
    try:
        return decode_one(told.encoding, told.data, told.dtype, told.shape)
    except CodecError:
        # frames are worth more than their mask; the sentinel is left
        return None
