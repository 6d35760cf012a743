"""Frames in chunk files of a codec of numcodecs: read by ourselves, decoded in the worker."""

from __future__ import annotations

import bz2
import lzma
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats.extras import extra
from framefold.formats.opened import FileIdentity, held_open

_decoded = threading.local()  # the last chunk of each thread: neighbours ask for the same one


@dataclass(frozen=True, slots=True, eq=False)
class PackedFrames:
    """The frames of one chunk file; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file; its whole content is the chunk.
    codec : str
        What numcodecs calls it.
    depth : int
        Frames in the chunk, those beyond the array included.
    pixels : int
        Pixels of a frame.
    dtype : numpy.dtype
        Pixel type as stored, byte order included.
    first, frames : int
        Which of the frames.
    """

    identity: FileIdentity
    codec: str
    depth: int
    pixels: int
    dtype: np.dtype[Any]
    first: int
    frames: int

    def piece(self, first: int, stop: int) -> PackedFrames:
        """The frames ``[first, stop)``."""
        return PackedFrames(
            self.identity,
            self.codec,
            self.depth,
            self.pixels,
            self.dtype,
            self.first + first,
            stop - first,
        )

    def open(self) -> PackedFrames:
        """Itself: the file is opened when a frame is wanted."""
        return self

    def close(self) -> None:
        """Nothing to do: the file stays open for the blocks to come."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        key = (self.identity, self.depth, self.pixels, self.dtype)
        if getattr(_decoded, "key", None) != key:
            _decoded.key = None
            _decoded.chunk = self._decode(rows)
            _decoded.key = key
        chunk: NDArray[Any] = _decoded.chunk
        np.copyto(out, chunk[self.first + rows])
        return out

    def _decode(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        path = self.identity.path
        wanted = self.depth * self.pixels * self.dtype.itemsize
        source = held_open(self.identity).mapped() if self.identity.size else np.empty(0, np.uint8)
        try:
            content = _unpacked(self.codec, source, wanted, path)
        except DataError:
            raise
        except Exception as error:
            # each codec has errors of its own for damage
            reason = f"chunk {path} does not decode as {self.codec}: {error}"
            raise UndecodableFrames(rows, reason) from error
        if len(content) != wanted:
            reason = f"chunk {path} decodes to {len(content)} bytes instead of {wanted}"
            raise UndecodableFrames(rows, reason)
        return np.frombuffer(content, self.dtype).reshape(self.depth, self.pixels)


_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(31),  # 31: zlib's number for a gzip header
    "zlib": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
"""Codecs that decode as much as is asked for."""


def _unpacked(codec: str, source: NDArray[np.uint8], wanted: int, path: str) -> bytes | memoryview:
    """The content of a chunk; at most a byte more than is wanted, whatever its header claims."""
    if codec in _STREAMS:
        decoder = _STREAMS[codec]()
        content: bytes = decoder.decompress(source, wanted + 1)
        if not decoder.eof:
            raise ValueError("it does not end where it should")
        return content
    claimed = _claimed(codec, source.tobytes() if len(source) < 32 else source[:32].tobytes())
    if claimed not in (None, wanted):
        raise ValueError(f"its header names {claimed} bytes instead of {wanted}")
    numcodecs = extra("numcodecs", "zarr", path)
    return memoryview(numcodecs.get_codec({"id": codec}).decode(source)).cast("B")


def _claimed(codec: str, start: bytes) -> int | None:
    """The size that a chunk says it has once decoded; None where it does not say.

    Notes
    -----
    Blosc: 4 bytes at 4. LZ4 of numcodecs: the first 4 bytes. Zstandard: RFC 8878, 3.1.1.1.
    """
    if codec == "blosc":
        return int.from_bytes(start[4:8], "little")
    if codec == "lz4":
        return int.from_bytes(start[:4], "little")
    flags = start[4] if len(start) > 4 else 0
    single = flags >> 5 & 1
    size = (single, 2, 4, 8)[flags >> 6]
    at = 5 + (1 - single) + (0, 1, 2, 4)[flags & 3]
    if not size:
        return None
    return int.from_bytes(start[at : at + size], "little") + (256 if size == 2 else 0)
