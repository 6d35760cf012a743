"""Encoding: how a frame's bytes become pixels; named by protocols and files, done by codecs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a frame's bytes were made from its pixels.

    Parameters
    ----------
    codec : str
        A name of the codec table: ``"raw"``, ``"lz4"`` (one bare block), ``"lz4-framed"``
        (HDF5 filter 32004), ``"bslz4"`` (HDF5 filter 32008).
    big_endian : bool
        Whether the pixels are big-endian once decoded.
    """

    codec: str
    big_endian: bool = False

    def __reduce__(self) -> tuple[object, ...]:
        # travels with each block; a dataclass with slots would look up its fields each time
        return Encoding, (self.codec, self.big_endian)
