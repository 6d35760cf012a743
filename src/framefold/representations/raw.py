"""The values alone: little-endian, C order, no header; shape and dtype travel beside them."""

from __future__ import annotations

from collections.abc import Mapping

from framefold.core.snapshot import Channel
from framefold.representations.representation import Representation, array_bytes


def encode(channel: Channel, options: Mapping[str, str]) -> bytes:  # noqa: ARG001 - it has none
    """The array as little-endian bytes in C order."""
    little = channel.data.dtype.newbyteorder("<")
    return channel.data.astype(little, copy=False).tobytes(order="C")


def estimate(channel: Channel, options: Mapping[str, str]) -> int:  # noqa: ARG001
    """Size of the values [bytes]; exact."""
    return array_bytes(channel)


RAW = Representation("raw", "application/octet-stream", encode, estimate)
