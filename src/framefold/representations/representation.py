"""Representation: one way of writing a result channel as bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from framefold.core.snapshot import Channel
from framefold.errors import ParameterError, nearest

Encode = Callable[[Channel, Mapping[str, str]], bytes]
"""A channel and its options (already known by name) -> the body."""

Estimate = Callable[[Channel, Mapping[str, str]], int]
"""The same -> a bound on the size of the body [bytes], from shapes alone."""


@dataclass(frozen=True, slots=True)
class Representation:
    """A way of writing a result channel as bytes, with what it needs to be chosen and asked.

    Parameters
    ----------
    name : str
        Also the suffix in a path, without the dot.
    media_type : str
        What ``Content-Type`` says and ``Accept`` asks for.
    encode : callable
        ``(Channel, options) -> bytes``. Runs in a thread; must not change the channel.
    estimate : callable
        ``(Channel, options) -> int``: upper bound of the body [bytes], without touching values.
    options : mapping of str to tuple of str
        Name of each option -> what it may be, for people.
    """

    name: str
    media_type: str
    encode: Encode
    estimate: Estimate
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __call__(self, channel: Channel, options: Mapping[str, str] | None = None) -> bytes:
        """Write a channel as bytes.

        Parameters
        ----------
        channel : Channel
            What to write.
        options : mapping of str to str, optional
            As in `options`.

        Raises
        ------
        ParameterError
            If an option is unknown or its value makes no sense.
        ShapeError
            If a channel of that shape cannot be written so.
        TooLargeError
            If it has more elements than this way of writing allows.
        """
        chosen = dict(options or {})
        check_names(chosen, self.options, f"option of {self.name}")
        refuse_objects(channel)
        return self.encode(channel, chosen)


def check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse a name nobody knows, naming the nearest one that somebody does.

    Raises
    ------
    ParameterError
        At the first unknown name.
    """
    known = tuple(known)
    for name in given:
        if name not in known:
            close = nearest(name, known)
            hint = f"; did you mean {close!r}?" if close else ""
            listed = ", ".join(known) or "none"
            raise ParameterError(f"unknown {what} {name!r}{hint} (known: {listed})")


def refuse_objects(channel: Channel) -> None:
    """Refuse an array of Python objects: only pickle could carry it, and we send none.

    Raises
    ------
    ParameterError
        If the data type holds Python objects.
    """
    if channel.data.dtype.hasobject:
        raise ParameterError(
            f"the values are Python objects (dtype {channel.data.dtype}), which have no bytes "
            "of their own; declare the buffer with a numeric dtype"
        )


def one_of(options: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    """The value of an option that knows a few words.

    Raises
    ------
    ParameterError
        If it is none of ``known``; the message names the nearest.
    """
    value = options.get(name, default)
    if value not in known:
        close = nearest(value, known)
        hint = f"; did you mean {close!r}?" if close else ""
        raise ParameterError(f"{name}={value!r} is unknown{hint} (known: {', '.join(known)})")
    return value


def array_bytes(channel: Channel) -> int:
    """Size of the values alone [bytes]."""
    return math.prod(channel.data.shape) * channel.data.dtype.itemsize
