"""Frames of equal length at regular distances in a file, decoded from where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe
from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats.opened import FileIdentity, OpenFile, held_open
from framefold.formats.pieces import WHEREVER, runs


@dataclass(frozen=True, slots=True)
class StridedFrames:
    """Encoded frames, each behind a header of its own; storage and piece.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    offset : int
        Where the first frame's pixels start [bytes].
    stride : int
        From the start of one frame to the start of the next [bytes].
    frames : int
        How many.
    encoded : int
        Length of an encoded frame [bytes].
    codec : str
        A name of the codec table.
    dtype : numpy.dtype
        Pixel type as decoded, byte order included.
    mark : bytes
        What each frame's header begins with; a frame without it is damaged.
    header : int
        Length of that header, right before the pixels [bytes].
    """

    gap: ClassVar[int] = WHEREVER

    identity: FileIdentity
    offset: int
    stride: int
    frames: int
    encoded: int
    codec: str
    dtype: np.dtype[Any]
    mark: bytes = b""
    header: int = 0

    def piece(self, first: int, stop: int) -> StridedFrames:
        """The frames ``[first, stop)``."""
        return StridedFrames(
            self.identity,
            self.offset + first * self.stride,
            self.stride,
            stop - first,
            self.encoded,
            self.codec,
            self.dtype,
            self.mark,
            self.header,
        )

    def open(self) -> OpenStridedFrames:
        """The frames, ready to be decoded.

        Raises
        ------
        DataError
            If the file has vanished or changed, or ends before the frames do.
        """
        end = self.offset + (self.frames - 1) * self.stride + self.encoded
        if self.offset < self.header or end > self.identity.size:
            raise DataError(
                f"{self.identity.path} ends at byte {self.identity.size}, "
                f"its frames would need {end}"
            )
        return OpenStridedFrames(self, held_open(self.identity))


class OpenStridedFrames:
    """Decodes frames from the file's memory map; damage is reported for each frame.

    Parameters
    ----------
    piece : StridedFrames
        What to decode.
    file : OpenFile
        Where from.
    """

    def __init__(self, piece: StridedFrames, file: OpenFile) -> None:
        self._piece = piece
        self._bytes = file.mapped()
        self._codec = codec(piece.codec)
        self._plain = self._in_place()

    def _in_place(self) -> NDArray[Any] | None:
        """The pixels of all frames where they lie; None if they are encoded or cut off.

        numpy copies and swaps their bytes in one pass, which is half of what two passes cost.
        """
        piece = self._piece
        pixels, rest = divmod(piece.encoded, piece.dtype.itemsize)
        end = piece.offset + (piece.frames - 1) * piece.stride + piece.encoded
        if piece.codec != "raw" or rest or piece.offset < 0:
            return None
        if end > len(self._bytes):
            return None
        strides = (piece.stride, piece.dtype.itemsize)
        shape = (piece.frames, pixels)
        return np.ndarray(shape, piece.dtype, self._bytes, piece.offset, strides)

    def close(self) -> None:
        """Nothing to do: the file stays open for the blocks to come."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        piece = self._piece
        offsets = piece.offset + rows * piece.stride
        if piece.mark:
            self._check_marks(rows, offsets)
        if self._plain is not None and out.size == len(rows) * self._plain.shape[1]:
            for at, first, count in runs(rows):
                np.copyto(out[at : at + count], self._plain[first : first + count])
            return out
        lengths = np.full(len(rows), piece.encoded, dtype=np.int64)
        swapped = not piece.dtype.isnative
        status = self._codec.decode(self._bytes, offsets, lengths, out, big_endian=swapped)
        bad = status != 0
        if bad.any():
            reason = f"frame of {piece.identity.name}: {describe(int(status[bad][0]))}"
            raise UndecodableFrames(rows[bad], reason)
        return out

    def _check_marks(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
        piece = self._piece
        mark = np.frombuffer(piece.mark, dtype=np.uint8)
        starts = offsets - piece.header
        found = self._bytes[starts[:, None] + np.arange(len(mark))]
        bad = (found != mark).any(axis=1)
        if bad.any():
            reason = (
                f"a frame of {piece.identity.name} lacks the header that begins with "
                f"{piece.mark!r} (byte {int(starts[bad][0])})"
            )
            raise UndecodableFrames(rows[bad], reason)
