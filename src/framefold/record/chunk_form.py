"""Encoded frames as HDF5 keeps them: which filter stands for an encoding, and what it wants."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from framefold.codecs import decode_one
from framefold.core.encoding import Encoding
from framefold.errors import CodecError

BITSHUFFLE = 32008
LZ4 = 32004

_STORED_AS = {"bslz4": "bslz4", "lz4": "lz4-framed", "lz4-framed": "lz4-framed"}
_LZ4_HEAD = struct.Struct(">QII")
_USE_LZ4 = 2  # bitshuffle's own word for what follows the shuffling
_SKIPPED = 1  # filter mask: the first filter, which is the only one, was not applied


@dataclass(frozen=True, slots=True)
class Chunk:
    """The bytes of one chunk.

    Parameters
    ----------
    data : bytes or memoryview
    filter_mask : int
        1 where the filter of the dataset was not applied.
    """

    data: bytes | memoryview
    filter_mask: int = 0


@dataclass(frozen=True, slots=True)
class ChunkForm:
    """How the frames of one dataset are kept.

    Parameters
    ----------
    codec : str
        ``"bslz4"``, ``"lz4-framed"`` or ``"raw"``.
    dtype : numpy.dtype
        Pixel type, byte order included.
    sig_shape : tuple of int
        Rows and columns [pixels].
    """

    codec: str
    dtype: np.dtype[Any]
    sig_shape: tuple[int, ...]

    @classmethod
    def of(cls, encoding: Encoding, dtype: np.dtype[Any], sig_shape: tuple[int, ...]) -> ChunkForm:
        """The form that keeps frames of an encoding as they came."""
        plain = np.dtype(dtype)
        ordered = plain.newbyteorder(">") if encoding.big_endian else plain.newbyteorder("<")
        return cls(_STORED_AS.get(encoding.codec, "raw"), ordered, sig_shape)

    @property
    def frame_bytes(self) -> int:
        """One decoded frame [bytes]."""
        return int(np.prod(self.sig_shape, dtype=np.int64)) * self.dtype.itemsize

    def creation(self) -> h5py.h5p.PropDCID:
        """What HDF5 is told when the dataset is created: chunks of one frame, and the filter.

        The filter is optional: whoever writes the chunks themselves need not have it.
        """
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((1, *self.sig_shape))
        if self.codec == "bslz4":
            # the filter itself, where it is registered, puts three numbers in front
            known = bool(h5py.h5z.filter_avail(BITSHUFFLE))
            before = () if known else (0, 4, self.dtype.itemsize)
            plist.set_filter(BITSHUFFLE, h5py.h5z.FLAG_OPTIONAL, (*before, 0, _USE_LZ4))
        elif self.codec == "lz4-framed":
            plist.set_filter(LZ4, h5py.h5z.FLAG_OPTIONAL, (0,))
        return plist

    def keeps(self, encoding: Encoding) -> bool:
        """Whether every frame of an encoding becomes a chunk as it is, whatever is in it."""
        big = self.dtype.byteorder == ">"
        alike = encoding.big_endian == big or self.dtype.itemsize == 1
        return alike and encoding.codec == self.codec != "raw"

    def chunk(self, payload: memoryview, encoding: Encoding) -> Chunk | None:
        """An encoded frame as a chunk of the dataset.

        Parameters
        ----------
        payload : memoryview
            The frame as it came.
        encoding : Encoding
            How it was made.

        Returns
        -------
        Chunk or None
            The same bytes wherever the file can say what they are; a bare LZ4 block gets the 16
            bytes in front that HDF5's filter wants. None for a frame that cannot be kept:
            nothing, or damaged and in another encoding than the others.
        """
        if not len(payload):
            return None
        big = self.dtype.byteorder == ">"
        alike = encoding.big_endian == big or self.dtype.itemsize == 1
        if alike and _STORED_AS.get(encoding.codec, encoding.codec) == self.codec:
            found = self._as_it_came(payload, encoding)
            if found is not None:
                return found
        try:
            pixels = decode_one(encoding, payload, self.dtype, self.sig_shape)
        except CodecError:
            return None
        mask = 0 if self.codec == "raw" else _SKIPPED
        return Chunk(np.ascontiguousarray(pixels, self.dtype).tobytes(), mask)

    def _as_it_came(self, payload: memoryview, encoding: Encoding) -> Chunk | None:
        if self.codec == "raw":
            # HDF5 takes the length of an unfiltered chunk for granted
            return Chunk(payload) if len(payload) == self.frame_bytes else None
        if encoding.codec != "lz4":
            return Chunk(payload)
        total = self.frame_bytes
        if len(payload) == total:
            return None  # to the filter, a block of that length is one that was not compressed
        return Chunk(_LZ4_HEAD.pack(total, total, len(payload)) + bytes(payload))
