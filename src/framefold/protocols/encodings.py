"""The ways DECTRIS streams name how pixels were encoded, checked against the pixel type."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError

_GRAMMAR = re.compile(r"(?:bs(?P<bits>8|16|32))?-?(?P<lz4>lz4)?(?P<endian>[<>])")
_SIZES = {"raw": None, "lz4": 1, "lz4-framed": 12, "bslz4": 12}  # smallest blob, in bytes


@lru_cache(maxsize=256)
def stream_v1_encoding(text: str, dtype: np.dtype[Any]) -> Encoding:
    """What the ``encoding`` of a stream v1 image means.

    Parameters
    ----------
    text : str
        ``["bs" BITS] ["-"] ["lz4"] ENDIAN``, or ``raw`` as a replay tool writes it.
    dtype : numpy.dtype
        The image's pixel type.

    Raises
    ------
    ProtocolError
        ``"bad-encoding"`` if the text is none of these, ``"encoding-mismatch"`` if the bits
        are not those of ``dtype`` (decoding would silently give wrong numbers).

    Notes
    -----
    SIMPLON API 1.8, stream interface. ``lz4`` is here one bare block without a header.
    """
    if text == "raw":
        return Encoding("raw")
    found = _GRAMMAR.fullmatch(text)
    if found is None or (found["bits"] and not found["lz4"]):
        raise ProtocolError(
            "bad-encoding", f"encoding {text[:80]!r}; known: <, lz4<, bs16-lz4< ..."
        )
    big_endian = found["endian"] == ">"
    if found["bits"] is None:
        return Encoding("lz4" if found["lz4"] else "raw", big_endian)
    if int(found["bits"]) != 8 * dtype.itemsize:
        raise ProtocolError("encoding-mismatch", f"encoding {text!r} for pixels of type {dtype}")
    return Encoding("bslz4", big_endian)


def stream_v2_encoding(
    algorithm: object, modifier: object, dtype: np.dtype[Any], big_endian: bool
) -> Encoding:
    """What the first two members of CBOR tag 56500 mean.

    Parameters
    ----------
    algorithm : object
        ``"bslz4"``, or ``"lz4"`` for the framing of HDF5 filter 32004.
    modifier : object
        For ``"bslz4"`` the element size [bytes].
    dtype : numpy.dtype
        The array's pixel type.
    big_endian : bool
        Whether the typed-array tag says so.

    Raises
    ------
    ProtocolError
        ``"unsupported-compression"``, or ``"encoding-mismatch"`` if the element size is not
        that of ``dtype``.

    Notes
    -----
    dectris/documentation, cbor/dectris-compression-tag.md.
    """
    if algorithm == "bslz4":
        if modifier != dtype.itemsize:
            detail = f"bslz4 of {str(modifier)[:20]}-byte elements for pixels of type {dtype}"
            raise ProtocolError("encoding-mismatch", detail)
        return Encoding("bslz4", big_endian)
    if algorithm == "lz4":
        return Encoding("lz4-framed", big_endian)
    raise ProtocolError("unsupported-compression", f"algorithm {str(algorithm)[:40]!r}")


def check_size(encoding: Encoding, size: int, frame_bytes: int) -> None:
    """Refuse a blob that cannot be a frame, before anybody makes room for it.

    Parameters
    ----------
    encoding : Encoding
        How it was encoded.
    size : int
        Length of the blob [bytes].
    frame_bytes : int
        Length of the decoded frame [bytes].

    Raises
    ------
    ProtocolError
        ``"size-mismatch"``.
    """
    smallest, largest = sizes(encoding, frame_bytes)
    if smallest <= size <= largest:
        return
    if encoding.codec == "raw":
        raise ProtocolError("size-mismatch", f"{size} raw bytes for a frame of {frame_bytes}")
    raise ProtocolError("size-mismatch", f"{size} bytes are too few for {encoding.codec}")


def sizes(encoding: Encoding, frame_bytes: int) -> tuple[int, int]:
    """How long a blob may be that is a frame.

    Parameters
    ----------
    encoding : Encoding
        How it was encoded.
    frame_bytes : int
        Length of the decoded frame [bytes].

    Returns
    -------
    tuple of int
        The smallest and the largest length [bytes]. How much encoding adds to a frame at most
        is not for us to say: who makes room for it says how much there is.
    """
    smallest = _SIZES.get(encoding.codec)
    return (frame_bytes, frame_bytes) if smallest is None else (smallest, 2**62)
