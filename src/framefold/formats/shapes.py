"""Array shapes as files name them, split into scan and detector axes."""

from __future__ import annotations

import math

from framefold.errors import DataError, ParameterError
from framefold.formats.request import whole

MAX_PIXELS = 2**31
"""A frame with more pixels is a damaged header, not a detector."""

MAX_FRAMES = 2**31
"""A recording with more frames is a damaged header, not a scan."""


def split_axes(
    shape: tuple[int, ...], sig_dims: int, what: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Scan axes and detector axes of an array.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    sig_dims : int
        How many of the last axes belong to the detector.
    what : str
        The array's name, for messages.

    Returns
    -------
    (tuple of int, tuple of int)
        Scan shape, ``(1,)`` for a single frame; frame shape.

    Raises
    ------
    ParameterError
        If there are not so many axes.
    DataError
        If an axis is empty, or the numbers are absurd.
    """
    dims = whole("sig_dims", sig_dims)
    if not 1 <= dims <= len(shape):
        raise ParameterError(
            f"sig_dims={dims} does not fit {what}, an array of shape {shape}; "
            f"give 1 to {len(shape)}"
            if shape
            else f"{what} is a single number, not frames"
        )
    nav, sig = shape[: len(shape) - dims] or (1,), shape[len(shape) - dims :]
    if 0 in shape:
        raise DataError(f"{what} holds no frames: its shape is {shape}")
    if math.prod(sig) > MAX_PIXELS or math.prod(nav) > MAX_FRAMES:
        raise DataError(
            f"{what} has the shape {shape}, which no detector makes; is it damaged, or are the "
            "scan axes not the first ones?"
        )
    return nav, sig
