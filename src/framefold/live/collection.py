"""Collection: the acquisition that is being received, from its header to its last slot."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError
from framefold.live.assembler import Assembler, Filling
from framefold.live.block import KIND_SHIFT, SlotBlock
from framefold.live.ring import RingShape, table
from framefold.protocols.base import Arrived

MOST_ENCODINGS = 8


class Collection:
    """Writes the frames of one acquisition into the ring.

    Parameters
    ----------
    acquisition : Acquisition
    assembler : Assembler
        Says where they go.
    shape : RingShape
        How the ring is cut.
    memory : ndarray of uint8
        The ring.
    path : str
        What workers attach to it by.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        assembler: Assembler,
        shape: RingShape,
        memory: NDArray[np.uint8],
        path: str,
    ) -> None:
        self.acquisition = acquisition
        self.assembler = assembler
        self._shape = shape
        self._memory = memory
        self._view = memory.data
        self._path = path
        self._encodings: list[Encoding] = []
        self._kinds: dict[int, list[int]] = {}  # slot -> encoding of each of its frames
        self._blocks = 0

    def take(self, frame: Arrived, now: float) -> int:
        """Put a frame into the ring.

        Parameters
        ----------
        frame : Arrived
        now : float
            The time by a clock that never goes back [s].

        Returns
        -------
        int
            A `Verdict` when it found no room (negative), else 0. Slots to hand out are then
            in `sealed`.

        Raises
        ------
        ProtocolError
            If the frame is not what the acquisition announced.
        """
        known = self.acquisition
        if frame.sig_shape != known.sig_shape or frame.dtype != known.dtype:
            raise ProtocolError(
                "frame-changed",
                f"frame {frame.frame} is {frame.dtype} {frame.sig_shape}, "
                f"the series is {known.dtype} {known.sig_shape}",
            )
        kind = self._kind(frame.encoding)
        nbytes = frame.payload.nbytes
        offset = self.assembler.place(frame.frame, nbytes, now)
        if offset < 0:
            return offset
        slot = self.assembler.slot
        start = self._shape.start(slot) + offset
        self._view[start : start + nbytes] = frame.payload
        if kind or slot in self._kinds:
            self._note_kind(slot, kind)
        self.assembler.complete()
        return 0

    def _kind(self, encoding: Encoding) -> int:
        if encoding in self._encodings:
            return self._encodings.index(encoding)
        if len(self._encodings) >= MOST_ENCODINGS:
            raise ProtocolError("encoding-changed", f"encoding {encoding} is one too many")
        self._encodings.append(encoding)
        return len(self._encodings) - 1

    def _note_kind(self, slot: int, kind: int) -> None:
        kinds = self._kinds.setdefault(slot, [])
        filling = self.assembler.filling(slot)
        kinds.extend([0] * (len(filling.positions) - 1 - len(kinds)))
        kinds.append(kind)

    def sealed(self, now: float = 0.0) -> Iterator[SlotBlock]:
        """The slots that were sealed since the last time, as blocks for the workers.

        Parameters
        ----------
        now : float
            The time by the machine's monotonic clock [s].
        """
        filled, self.assembler.sealed = self.assembler.sealed, []
        for filling in filled:
            yield self._block(filling, now)

    def _block(self, filling: Filling, now: float) -> SlotBlock:
        start = self._shape.start(filling.slot)
        count = len(filling.positions)
        rows = table(self._memory[start : start + self._shape.slot_bytes], self._shape.rows)
        rows[0, :count] = filling.positions
        rows[1, :count] = filling.offsets
        rows[2, :count] = filling.lengths
        kinds = self._kinds.pop(filling.slot, None)
        if kinds is not None:
            rows[2, : len(kinds)] |= np.array(kinds, dtype=np.int64) << KIND_SHIFT
        self._blocks += 1
        return SlotBlock(
            ident=self._blocks,
            path=self._path,
            size=self._shape.size,
            slot=filling.slot,
            start=start,
            slot_bytes=self._shape.slot_bytes,
            rows=self._shape.rows,
            count=count,
            encodings=tuple(self._encodings),
            sealed=now,
        )
