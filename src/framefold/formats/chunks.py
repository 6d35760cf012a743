"""Frames stored as one encoded chunk each: fetched with pread, decoded by our own codecs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe
from framefold.codecs.summable_tile import SummableTile, summing_codec
from framefold.core.block import UndecodableFrames
from framefold.core.encoding import Encoding
from framefold.formats.opened import FileIdentity, OpenFile, held_open

_GAP = 64 * 1024
"""Bytes between two chunks that are cheaper to read along than to skip with another call."""

_memory = threading.local()  # one buffer for encoded bytes in each thread, used again and again


@dataclass(frozen=True, slots=True, eq=False)
class ChunkedFrames:
    """Frames with a chunk each; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    offsets, lengths : ndarray of int64, shape (frames,)
        Where each chunk lies [bytes].
    codec : str
        A name of the codec table.
    pixels : int
        Pixels of a frame.
    dtype : numpy.dtype
        Pixel type as recorded, byte order included.
    """

    identity: FileIdentity
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    codec: str
    pixels: int
    dtype: np.dtype[Any]

    gap: ClassVar[int] = 64

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.offsets)

    def piece(self, first: int, stop: int) -> ChunkedFrames:
        """The frames ``[first, stop)``."""
        return ChunkedFrames(
            self.identity,
            self.offsets[first:stop],
            self.lengths[first:stop],
            self.codec,
            self.pixels,
            self.dtype,
        )

    def open(self) -> OpenChunkedFrames:
        """The chunks, ready to be fetched."""
        return OpenChunkedFrames(self, held_open(self.identity))


class OpenChunkedFrames:
    """Fetches and decodes chunks; damage is reported for each frame.

    Parameters
    ----------
    piece : ChunkedFrames
        What to fetch.
    file : OpenFile
        Where from.
    """

    def __init__(self, piece: ChunkedFrames, file: OpenFile) -> None:
        self._piece = piece
        self._file = file
        self._codec = codec(piece.codec)

    def close(self) -> None:
        """Nothing to do: the file stays open for the blocks to come."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `OpenPiece.read`."""
        source, places, lengths = self._fetched(rows)
        swapped = not self._piece.dtype.isnative
        status = self._codec.decode(source, places, lengths, out, big_endian=swapped)
        bad = status != 0
        if bad.any():
            name, first = self._file.identity.name, int(status[bad][0])
            raise UndecodableFrames(rows[bad], f"chunk of {name}: {describe(first)}")
        return out

    def encoded_tile(
        self,
        rows: NDArray[np.int64],
        sig_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        blank: bool,
    ) -> SummableTile | None:
        """See `framefold.core.encoded_tile.Summable`."""
        stored = self._piece.dtype
        summing = summing_codec(Encoding(self._piece.codec, not stored.isnative), dtype)
        if summing is None or stored != dtype:
            return None
        source, places, lengths = self._fetched(rows)
        where = f"chunk of {self._file.identity.name}: "
        return SummableTile(summing, source, places, lengths, sig_shape, dtype, blank, rows, where)

    def _fetched(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """Memory with the chunks of some rows; where each begins in it, and how long it is."""
        offsets, lengths = self._piece.offsets[rows], self._piece.lengths[rows]
        beyond = self._beyond(offsets, lengths)
        if beyond.any():
            reason = (
                f"a chunk of {self._file.identity.name} lies outside the file or is too long "
                f"(byte {offsets[beyond][0]}, {lengths[beyond][0]} bytes)"
            )
            raise UndecodableFrames(rows[beyond], reason)
        source, places = fetch(self._file, offsets, lengths)
        return source, places, lengths

    def _beyond(self, offsets: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        # no sane encoder doubles its input; without a bound, 64 damaged lengths could each
        # ask for the whole file
        longest = 2 * self._piece.pixels * self._piece.dtype.itemsize + 4096
        size = self._file.identity.size
        found: NDArray[np.bool_] = (
            (offsets < 0) | (lengths < 1) | (lengths > longest) | (offsets > size - lengths)
        )
        return found


def fetch(
    file: OpenFile, offsets: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Stretches of a file in as few reads as make sense.

    Parameters
    ----------
    file : OpenFile
        Where from.
    offsets, lengths : ndarray of int64, shape (n,)
        The stretches; all of them lie within the file [bytes].

    Returns
    -------
    (ndarray of uint8, ndarray of int64)
        Memory of this thread, valid until the next call; and where in it each stretch begins.
        What the file lost meanwhile is zero.
    """
    order = np.argsort(offsets, kind="stable")
    places = np.empty_like(offsets)
    spans: list[list[int]] = []  # [start, stop) in the file, and the start in memory
    total = 0
    for i in order.tolist():
        start, stop = int(offsets[i]), int(offsets[i] + lengths[i])
        if spans and spans[-1][0] <= start <= spans[-1][1] + _GAP:
            total += max(0, stop - spans[-1][1])
            spans[-1][1] = max(spans[-1][1], stop)
        else:
            spans.append([start, stop, total])
            total += stop - start
        places[i] = spans[-1][2] + start - spans[-1][0]
    buffer = _scratch(total)
    for start, stop, at in spans:
        got = file.read_into(buffer[at : at + stop - start], start)
        buffer[at + got : at + stop - start] = 0  # cut off meanwhile: never stale bytes
    return buffer, places


def _scratch(size: int) -> NDArray[np.uint8]:
    """At least ``size`` bytes of this thread's buffer; what was in it before is lost."""
    found: NDArray[np.uint8] | None = getattr(_memory, "buffer", None)
    if found is None or len(found) < size:
        found = np.empty(max(size, 1 << 20) * 5 // 4, dtype=np.uint8)
        _memory.buffer = found
    return found[:size]
