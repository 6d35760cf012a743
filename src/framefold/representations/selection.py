"""A part of a channel: numpy-like slices, or its validity mask in place of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from framefold.core.snapshot import Channel
from framefold.errors import ParameterError
from framefold.representations.representation import one_of

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "slice": ("numpy-like, a comma between axes, e.g. 0:64,::2 or 3",),
    "part": ("data", "valid"),
}
"""What every representation understands beside its own options."""

_ITEM = re.compile(r"\s*(?:(-?\d{1,18})|(-?\d{0,18}):(-?\d{0,18})(?::(-?\d{0,18}))?)\s*")


def select(channel: Channel, options: Mapping[str, str]) -> Channel:
    """The part of a channel that was asked for, as views of it.

    Parameters
    ----------
    channel : Channel
        The whole.
    options : mapping of str to str
        ``slice``: up to as many items as there are axes, each an index (drops the axis) or
        ``start:stop:step``. ``part``: ``data`` or ``valid``. Others are left alone.

    Returns
    -------
    Channel
        The same one if nothing was asked for.

    Raises
    ------
    ParameterError
        If the slice does not parse, has too many axes, or an index lies outside.
    """
    if one_of(options, "part", ("data", "valid"), "data") == "valid":
        everywhere = np.broadcast_to(np.True_, channel.valid.shape)
        channel = Channel(
            channel.kind, channel.valid, everywhere, channel.extra_shape, channel.version
        )
    if "slice" not in options:
        return channel
    index = _parse(options["slice"], channel.data.shape)
    own = channel.data.ndim - len(channel.extra_shape)
    dropped = sum(isinstance(item, int) for item in index[own:])
    data = channel.data[(*index, ...)]
    extra_axes = len(channel.extra_shape) - dropped
    extra_shape = data.shape[data.ndim - extra_axes :]
    return Channel(channel.kind, data, channel.valid[(*index, ...)], extra_shape, channel.version)


def _parse(text: str, shape: tuple[int, ...]) -> tuple[int | slice, ...]:
    items = text.split(",")
    if len(items) > len(shape):
        raise ParameterError(
            f"slice={text!r} names {len(items)} axes; the array has {len(shape)}: {shape}"
        )
    return tuple(_item(item, text, axis, shape[axis]) for axis, item in enumerate(items))


def _item(item: str, text: str, axis: int, length: int) -> int | slice:
    found = _ITEM.fullmatch(item)
    # a lone "-" passes the pattern, since each number may be left out
    if found is None or "-" in (part := found.groups())[1:]:
        raise ParameterError(
            f"slice={text!r}: {item!r} is neither an index nor start:stop:step, e.g. 0:64,::2"
        )
    if part[0] is not None:
        number = int(part[0])
        if not -length <= number < length:
            raise ParameterError(
                f"slice={text!r}: index {number} lies outside axis {axis} of length {length}"
            )
        return number
    start, stop, step = (int(p) if p else None for p in part[1:])
    if step == 0:
        raise ParameterError(f"slice={text!r}: a step of 0 leads nowhere; steps are 1 or more")
    return slice(start, stop, step)
