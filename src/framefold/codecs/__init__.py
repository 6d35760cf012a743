"""Encoded bytes -> pixels: a table of codecs, each imported when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.codecs.base import Codec, EncodedFrames, SummingCodec
from framefold.core.encoding import Encoding
from framefold.errors import CodecError
from framefold.kernels.damage import DESCRIPTIONS, GOOD
from framefold.registry import Registry

__all__ = ["TABLE", "Codec", "codec", "decode_one", "describe", "warm"]

TABLE = Registry(
    "codec",
    {
        "raw": "framefold.codecs.raw:RawCodec",
        "lz4": "framefold.codecs.lz4:Lz4Codec",
        "lz4-framed": "framefold.codecs.lz4_framed:Lz4FramedCodec",
        "bslz4": "framefold.codecs.bslz4:Bslz4Codec",
        "r64-1": "framefold.codecs.medipix:r64_1",
        "r64-6": "framefold.codecs.medipix:r64_6",
        "r64-12": "framefold.codecs.medipix:r64_12",
        "r64-24": "framefold.codecs.medipix:r64_24",
        "r64-1-quad": "framefold.codecs.medipix:r64_1_quad",
        "r64-6-quad": "framefold.codecs.medipix:r64_6_quad",
        "r64-12-quad": "framefold.codecs.medipix:r64_12_quad",
        "r64-24-quad": "framefold.codecs.medipix:r64_24_quad",
    },
    group="framefold.codecs",
)
"""Codecs by the name an `Encoding` gives them."""


@cache
def codec(name: str) -> Codec:
    """The codec of that name; imports it, and with it numba, on the first call.

    Parameters
    ----------
    name : str
        As in `Encoding`.

    Raises
    ------
    UnknownNameError
        If no codec has that name; it names the nearest one.
    """
    found: Codec = TABLE.load(name)()
    return found


def describe(code: int) -> str:
    """What a status that `Codec.decode` returned means, as one sentence for people."""
    return DESCRIPTIONS.get(int(code), f"damaged in an unknown way (status {int(code)})")


def decode_one(
    encoding: Encoding, data: Any, dtype: DTypeLike, shape: Sequence[int]
) -> NDArray[Any]:
    """Decode a single frame into new memory; for what is not on the way of a stream of frames.

    Parameters
    ----------
    encoding : Encoding
        How the bytes were made.
    data : bytes-like
        The encoded frame.
    dtype : dtype
        Pixel type; its byte order is ignored, `encoding` tells it.
    shape : sequence of int
        Rows first.

    Returns
    -------
    ndarray, shape ``shape``
        The pixels in the machine's byte order; owned by the caller.

    Raises
    ------
    CodecError
        If the bytes are damaged.
    UnknownNameError
        If there is no such codec.
    """
    source = np.frombuffer(data, dtype=np.uint8)
    pixels = np.empty((1, *shape), dtype=np.dtype(dtype).newbyteorder("="))
    (status,) = codec(encoding.codec).decode(
        source,
        np.zeros(1, np.int64),
        np.array([source.nbytes], np.int64),
        pixels,
        big_endian=encoding.big_endian,
    )
    if status != GOOD:
        raise CodecError(
            encoding.codec,
            f"{describe(status)} ({source.nbytes} bytes for {pixels.dtype} {tuple(shape)}, "
            f"{pixels.nbytes} bytes)",
        )
    result: NDArray[Any] = pixels[0]
    return result


def warm() -> None:
    """Load and run every built-in codec once, so that processes forked from here start warm."""
    source, offsets, lengths = np.zeros(1, np.uint8), np.zeros(1, np.int64), np.ones(1, np.int64)
    for name in ("raw", "lz4", "lz4-framed", "bslz4"):
        found = codec(name)
        found.decode(source, offsets, lengths, np.empty((1, 1), np.uint8))
        if isinstance(found, SummingCodec):
            frames = EncodedFrames.of(source, offsets, lengths, np.dtype(np.uint8), 1)
            found.add_frames(frames, np.zeros(1, np.uint64))
            found.frame_sums(frames)
            found.frame_moments(frames, (1, 64), np.zeros(72, np.uint8))
