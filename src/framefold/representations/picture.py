"""A channel laid out as a picture: two axes, one component, at the size it will have."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.core.snapshot import Channel
from framefold.errors import ParameterError, ShapeError

MAX_SIDE = 2048
"""No picture has a longer side [pixels]; more than a screen shows costs time for nothing."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Values and where they mean something, in picture pixels before enlargement.

    Parameters
    ----------
    values : ndarray of float64, shape (h, w) or (h, w, 2)
        (0, 0) top left; the last axis of a vector picture is (y, x).
    valid : ndarray of bool, shape (h, w)
        Where a measurement stands behind the value.
    enlargement : int
        How many output pixels each of these becomes along both axes.
    """

    values: NDArray[np.float64]
    valid: NDArray[np.bool_]
    enlargement: int


def base_shape(channel: Channel) -> tuple[int, int]:
    """Height and width of the picture of a channel [values]; one axis makes a single row.

    Raises
    ------
    ShapeError
        If the channel has no axis beside the ones its UDF added, or more than two, or no
        values.
    """
    if channel.data.size == 0:
        raise ShapeError(f"an array of shape {channel.data.shape} has no values to show")
    own = channel.data.shape[: channel.data.ndim - len(channel.extra_shape)]
    if len(own) == 1:
        return 1, own[0]
    if len(own) == 2:
        return own[0], own[1]
    raise ShapeError(
        f"an array of shape {channel.data.shape} with {len(own)} axes of its own is no picture, "
        "which has one or two; take a part with slice=, or ask for .npy"
    )


def scaling(shape: tuple[int, int], size: str | None) -> tuple[int, int]:
    """How a picture of that shape meets a wish for its longer side.

    Parameters
    ----------
    shape : tuple of int
        Height and width [values].
    size : str or None
        Wish for the longer side [pixels], 1 to `MAX_SIDE`; None for one pixel a value, fewer
        where that would be beyond `MAX_SIDE`.

    Returns
    -------
    tuple of int
        Values averaged into one pixel along each axis, and pixels each becomes. One of them
        is 1: pixels stay square and equal.

    Raises
    ------
    ParameterError
        If the wish is no such number.
    """
    longest = max(*shape, 1)
    if size is None:
        return -(-longest // MAX_SIDE), 1
    if not re.fullmatch(r"[0-9]{1,4}", size) or not 1 <= int(size) <= MAX_SIDE:
        raise ParameterError(f"size={size!r} is no whole number from 1 to {MAX_SIDE}")
    wish = int(size)
    return -(-longest // wish), max(1, wish // longest)


def lay_out(channel: Channel, component: str | None, size: str | None) -> Picture:
    """A channel as a picture.

    Parameters
    ----------
    channel : Channel
        One or two axes of its own, and any that its UDF added.
    component : str or None
        Which of the values at each place, counted in C order over the added axes; ``rgb`` for
        both of a vector; None for the first.
    size : str or None
        As in `scaling`.

    Raises
    ------
    ParameterError
        If there is no such component, or the wish for a size is no number.
    ShapeError
        As `base_shape`, or if values of that type have no brightness.
    """
    height, width = base_shape(channel)
    if channel.data.dtype.kind not in "biufc":
        raise ShapeError(f"values of dtype {channel.data.dtype} have no brightness; ask for .npy")
    data = channel.data.reshape(height, width, -1)
    valid = channel.valid.reshape(height, width, -1)
    shrink, enlargement = scaling((height, width), size)
    if component == "rgb":
        if channel.extra_shape != (2,):
            raise ParameterError(
                f"component='rgb' shows vectors, values with extra shape (2,); "
                f"these have {channel.extra_shape}"
            )
        planes = [_shrunk(data[..., i], valid[..., i], shrink) for i in (0, 1)]
        vector = np.stack([values for values, _ in planes], axis=-1)
        return Picture(vector, planes[0][1] & planes[1][1], enlargement)
    chosen = _component(component, data.shape[2])
    values, good = _shrunk(data[..., chosen], valid[..., chosen], shrink)
    return Picture(values, good, enlargement)


def _component(text: str | None, count: int) -> int:
    if text is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) >= count:
        raise ParameterError(
            f"component={text!r} is no whole number from 0 to {count - 1}"
            + (" nor rgb" if count == 2 else "")
        )
    return int(text)


def _shrunk(
    data: NDArray[np.generic], valid: NDArray[np.bool_], factor: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    real = np.abs(data) if data.dtype.kind == "c" else data
    values = real.astype(np.float64)
    if factor == 1:
        return values, valid
    # a pixel is the mean of the valid finite values in its square; without any it is invalid
    good = valid & np.isfinite(values)
    counts = _square_sums(good.astype(np.float64), factor)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = _square_sums(np.where(good, values, 0.0), factor)
        return sums / np.maximum(counts, 1), counts > 0


def _square_sums(values: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    if values.size == 0:
        return values
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], factor), axis=0)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], factor), axis=1)
