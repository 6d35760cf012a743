"""SlotBlock: a sealed slot of the ring as a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe
from framefold.codecs.base import BlankingCodec
from framefold.codecs.summable_tile import SummableTile, summing_codec
from framefold.core.block import UndecodableFrames
from framefold.core.encoded_tile import EncodedTile
from framefold.core.encoding import Encoding
from framefold.live.ring import table
from framefold.processes.segment import Attached

_attached = Attached()  # one mapping of each ring in a process, for all its blocks


def forget(path: str) -> None:
    """Let go of a ring that is closed, if this process looked into it."""
    _attached.forget(path)


class SlotFrames:
    """The frames of an opened slot, by ascending position."""

    def __init__(self, block: SlotBlock, slot: NDArray[np.uint8]) -> None:
        self._slot = slot
        self._blanked = False
        self._encodings = block.encodings
        rows = table(slot, block.rows)[:, : block.count]
        order = np.argsort(rows[0], kind="stable")
        self.positions: NDArray[np.int64] = rows[0][order]
        self._offsets = rows[1][order]
        # the length's upper bits say which of the block's encodings a frame has
        self._kinds = rows[2][order] >> KIND_SHIFT
        self._lengths = rows[2][order] & LENGTH_MASK

    def blank(self, value: int, dtype: np.dtype[Any]) -> bool:
        """Have `read` put zero in place of a value from now on; see `core.block.Blankable`."""
        if dtype.kind == "u" and value == np.iinfo(dtype).max and len(self._encodings) == 1:
            self._blanked = isinstance(codec(self._encodings[0].codec), BlankingCodec)
        return self._blanked

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """Decode frames; see `Frames.read`."""
        taken = out[: len(rows)]
        status = np.zeros(len(rows), dtype=np.int32)
        for kind, encoding in enumerate(self._encodings):
            if len(self._encodings) == 1:
                status = self._decode(encoding, rows, taken)
                break
            mine = np.flatnonzero(self._kinds[rows] == kind)
            if len(mine):
                # frames of mixed encodings are rare: one at a time keeps them in place
                for i in mine:
                    status[i] = self._decode(encoding, rows[i : i + 1], taken[i : i + 1])[0]
        bad = np.flatnonzero(status)
        if len(bad):
            raise UndecodableFrames(rows[bad], describe(int(status[bad[0]])))
        return taken

    def encoded_tile(
        self,
        rows: NDArray[np.int64],
        sig_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        blank: bool,
    ) -> EncodedTile | None:
        """Frames as they came; see `core.encoded_tile.Summable`."""
        summing = summing_codec(self._encodings[0], dtype) if len(self._encodings) == 1 else None
        if summing is None:
            return None
        places, lengths = self._offsets[rows], self._lengths[rows]
        return SummableTile(summing, self._slot, places, lengths, sig_shape, dtype, blank, rows)

    def encoded(self) -> Iterator[tuple[int, memoryview, Encoding]]:
        """Position, bytes and encoding of each frame as it came; good until the slot goes back."""
        memory, encodings = self._slot.data, self._encodings
        columns = (self.positions, self._offsets, self._lengths, self._kinds)
        for position, offset, length, kind in zip(*(c.tolist() for c in columns), strict=True):
            yield position, memory[offset : offset + length], encodings[kind]

    def _decode(
        self, encoding: Encoding, rows: NDArray[np.int64], out: NDArray[Any]
    ) -> NDArray[np.int32]:
        found = codec(encoding.codec)
        decode = found.decode
        if self._blanked and isinstance(found, BlankingCodec):
            decode = found.decode_blanked
        return decode(
            self._slot,
            self._offsets[rows],
            self._lengths[rows],
            out,
            big_endian=encoding.big_endian,
        )


KIND_SHIFT = 56
LENGTH_MASK = (1 << KIND_SHIFT) - 1


@dataclass(frozen=True, slots=True)
class SlotBlock:
    """A claim on the frames of one sealed slot.

    Parameters
    ----------
    ident : int
        Number of the block in its acquisition.
    path : str
        The ring's segment.
    size : int
        Its length [bytes].
    slot : int
        Number of the slot.
    start : int
        Where the slot starts in the segment [bytes].
    slot_bytes : int
        Its length [bytes].
    rows : int
        Frames its table has room for.
    count : int
        Frames it holds.
    encodings : tuple of Encoding
        How their bytes turn into pixels; nearly always one.
    sealed : float
        When it was handed out, by the machine's monotonic clock [s].
    opened : float
        When its first frame came, likewise [s].
    used : int
        How much of the slot its frames and their table take [bytes].
    """

    ident: int
    path: str
    size: int
    slot: int
    start: int
    slot_bytes: int
    rows: int
    count: int
    encodings: tuple[Encoding, ...]
    sealed: float = 0.0
    opened: float = 0.0
    used: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        # a block travels three times; a dataclass with slots would look up its fields each time
        return SlotBlock, (
            self.ident, self.path, self.size, self.slot, self.start, self.slot_bytes,
            self.rows, self.count, self.encodings, self.sealed, self.opened,
            self.used,
        )  # fmt: skip

    @contextmanager
    def open(self) -> Iterator[SlotFrames]:
        """Look into the slot; the ring is attached once in a process."""
        memory = _attached.get(self.path, self.size)
        yield SlotFrames(self, memory[self.start : self.start + self.slot_bytes])
