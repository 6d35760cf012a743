"""Small arrays as JSON: what is no number, or was never measured, is null."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import orjson

from framefold.core.snapshot import Channel
from framefold.errors import ParameterError, TooLargeError
from framefold.representations.representation import Representation, one_of

MAX_ELEMENTS = 65_536
"""Beyond this many elements text is the wrong way to send an array."""

# the longest number orjson writes for a float64 ("-2.2250738585072014e-308"), with its comma
_NUMBER_BYTES = 25
# a pair of brackets and a comma, at worst around every element on every axis
_BRACKET_BYTES = 3
_HEAD_BYTES = 1024


def encode(channel: Channel, options: Mapping[str, str]) -> bytes:
    """The array as nested lists beside its facts.

    NaN and infinities become null, since JSON has no such numbers; so do values at positions
    that hold no measurement, unless ``invalid=keep``. Complex values are ``[re, im]`` pairs.

    Raises
    ------
    TooLargeError
        Beyond `MAX_ELEMENTS` elements.
    ParameterError
        If the option has another value, or the values are of a type that JSON cannot say.
    """
    keep = one_of(options, "invalid", ("null", "keep"), "null") == "keep"
    if channel.data.size > MAX_ELEMENTS:
        raise TooLargeError(
            f"{channel.data.size} elements are more than the {MAX_ELEMENTS} that JSON is sent "
            "for; ask for .npy instead, or for a part with slice="
        )
    return orjson.dumps(
        {
            "kind": channel.kind,
            "shape": channel.data.shape,
            "extra_shape": channel.extra_shape,
            "dtype": channel.data.dtype.str,
            "version": channel.version,
            "valid_fraction": channel.valid_fraction,
            "data": _plain(channel, keep=keep),
        },
        option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE,
    )


def estimate(channel: Channel, options: Mapping[str, str]) -> int:  # noqa: ARG001
    """A bound on the text [bytes]."""
    numbers = 2 if channel.data.dtype.kind == "c" else 1
    element = numbers * _NUMBER_BYTES + (channel.data.ndim + numbers) * _BRACKET_BYTES
    return min(channel.data.size, MAX_ELEMENTS) * element + _HEAD_BYTES


def _plain(channel: Channel, *, keep: bool) -> object:
    data = channel.data
    if data.dtype.kind not in "biufc":
        raise ParameterError(f"values of dtype {data.dtype} have no JSON; ask for .npy or .raw")
    valid = channel.valid
    if data.dtype.kind == "c":
        data = np.stack([data.real, data.imag], axis=-1)
        valid = np.broadcast_to(valid[..., None], data.shape)
    if keep or valid.all():
        if data.ndim == 0:
            return data.item()
        # orjson writes NaN and infinities as null, but knows C order and machine order only
        return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
    flat = [
        value if good else None
        for value, good in zip(data.ravel().tolist(), valid.ravel().tolist(), strict=True)
    ]
    return _nested(flat, data.shape)


def _nested(flat: list[object], shape: tuple[int, ...]) -> object:
    if not shape:
        return flat[0]
    for length in shape[:0:-1]:
        flat = [flat[i : i + length] for i in range(0, len(flat), length)] if length else []
    return flat


JSON = Representation("json", "application/json", encode, estimate, {"invalid": ("null", "keep")})
