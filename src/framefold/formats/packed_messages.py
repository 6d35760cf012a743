"""Frames in messages that are compressed as a whole: each is unpacked when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe
from framefold.core.block import UndecodableFrames
from framefold.errors import DataError
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.opened import OpenFile, held_open
from framefold.wirelog.reading import message_at


@dataclass(frozen=True, slots=True, eq=False)
class PackedMessages:
    """Frames with a compressed message each; storage on the main side and piece in a block.

    Parameters
    ----------
    frames_in_parts : ChunkedFrames
        The frames; places count from the first part of their message.
    messages : ndarray of int64, shape (frames,)
        Where the record of each frame's message begins in the file [bytes].
    """

    frames_in_parts: ChunkedFrames
    messages: NDArray[np.int64]

    gap: ClassVar[int] = 64

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.messages)

    def piece(self, first: int, stop: int) -> PackedMessages:
        """The frames ``[first, stop)``."""
        return PackedMessages(self.frames_in_parts.piece(first, stop), self.messages[first:stop])

    def open(self) -> OpenPackedMessages:
        """The messages, ready to be unpacked."""
        return OpenPackedMessages(self, held_open(self.frames_in_parts.identity))


class OpenPackedMessages:
    """Unpacks messages and decodes the frames in them; damage is reported for each frame.

    Parameters
    ----------
    piece : PackedMessages
        What to fetch.
    file : OpenFile
        Where from.
    """

    def __init__(self, piece: PackedMessages, file: OpenFile) -> None:
        self._piece = piece
        self._file = file

    def close(self) -> None:
        """Nothing to do: the file stays open for the blocks to come."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        inner, name = self._piece.frames_in_parts, self._file.identity.name
        content = self._file.mapped().data
        swapped = not inner.dtype.isnative
        damaged: list[int] = []
        reason = ""
        for i, row in enumerate(rows.tolist()):
            try:
                parts = message_at(content, int(self._piece.messages[row]), name).parts
            except DataError as error:
                damaged.append(row)
                reason = reason or str(error)
                continue
            whole = np.frombuffer(b"".join(parts), np.uint8)
            place, length = inner.offsets[row : row + 1], inner.lengths[row : row + 1]
            (status,) = codec(inner.codec).decode(
                whole, place, length, out[i : i + 1], big_endian=swapped
            )
            if status:
                damaged.append(row)
                reason = reason or f"message of {name}: {describe(int(status))}"
        if damaged:
            raise UndecodableFrames(np.array(damaged, dtype=np.int64), reason)
        return out
