"""Collection: the acquisition that is being received, from its header to its last slot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from framefold.core import gaps
from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.core.losses import Losses
from framefold.core.reader import Ending
from framefold.errors import ProtocolError
from framefold.live.assembler import Assembler, Sealed
from framefold.live.block import KIND_SHIFT, SlotBlock
from framefold.live.ring import RingShape
from framefold.protocols.batch import Images
from framefold.protocols.events import Arrived

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
    path : str
        What workers attach to it by.
    may_go_early : bool
        Whether slots may be sealed before they hold all the frames they collect, so that results
        come sooner; False where somebody said how many frames a block has.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        assembler: Assembler,
        shape: RingShape,
        path: str,
        *,
        may_go_early: bool = False,
    ) -> None:
        self.acquisition = acquisition
        self.may_go_early = may_go_early
        self.assembler = assembler
        self.has_header = True
        """Whether the detector announced the series; otherwise its first frame stands in."""
        self._shape = shape
        self._path = path
        self._encodings: list[Encoding] = []
        self._frames_needed = acquisition.scan.frames_needed
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
        mark = self._kind(frame.encoding) << KIND_SHIFT
        return self.assembler.place(frame.frame, frame.payload, now, mark)

    def take_many(self, images: Images, start: int) -> tuple[int, int]:
        """Put images into the ring as long as nothing is to be decided.

        Parameters
        ----------
        images : Images
            Of the shape and type that were announced.
        start : int
            The first one to take.

        Returns
        -------
        taken : int
            How many; the one behind them is for `take`, if it is not for another `take_many`.
        nbytes : int
            Their lengths together [bytes].
        """
        mark = self._kind(images.like.encoding) << KIND_SHIFT
        return self.assembler.place_many(
            images.memory,
            images.frames[start:],
            images.offsets[start:],
            images.lengths[start:],
            mark,
        )

    def is_surplus(self, frame: int) -> bool:
        """Whether a frame comes after the last one that the scan needs."""
        return frame >= self._frames_needed

    def _kind(self, encoding: Encoding) -> int:
        if encoding in self._encodings:
            return self._encodings.index(encoding)
        if len(self._encodings) >= MOST_ENCODINGS:
            raise ProtocolError("encoding-changed", f"encoding {encoding} is one too many")
        self._encodings.append(encoding)
        return len(self._encodings) - 1

    def sealed(self, now: float = 0.0) -> Iterator[SlotBlock]:
        """The slots that were sealed since the last time, as blocks for the workers.

        Parameters
        ----------
        now : float
            The time by the machine's monotonic clock [s].
        """
        ready, self.assembler.sealed = self.assembler.sealed, []
        for one in ready:
            yield self._block(one, now)

    def _block(self, sealed: Sealed, now: float) -> SlotBlock:
        self._blocks += 1
        return SlotBlock(
            ident=self._blocks,
            path=self._path,
            size=self._shape.size,
            slot=sealed.slot,
            start=self._shape.start(sealed.slot),
            slot_bytes=self._shape.slot_bytes,
            rows=self._shape.rows,
            count=sealed.count,
            encodings=tuple(self._encodings),
            sealed=now,
            opened=sealed.opened,
            used=sealed.used,
        )

    def ending(self, reason: str, counted: Losses) -> Ending:
        """How it ended.

        Parameters
        ----------
        reason : str
            Why no more frames are expected.
        counted : Losses
        """
        assembler, scan = self.assembler, self.acquisition.scan
        complete = assembler.is_complete
        joined = None
        if not complete:
            text = f"{assembler.received} of {scan.size} positions received: {reason}"
        elif assembler.received == scan.size:
            text = f"all {scan.size} positions received"
        else:
            text = f"all frames received, for {assembler.received} of {scan.size} positions"
        if not complete:
            numbers = assembler.numbers()
            if not self.has_header and len(numbers) and numbers[0] > 0:
                joined = int(numbers[0])
                text += f"; we began to listen at frame {joined}"
            if why := gaps.told(numbers):
                text += f"; {why}"
        cut_short = not complete and not assembler.reached_end
        lost = replace(counted, missing=scan.size - assembler.received)
        return Ending(complete, text, lost, cut_short, joined)
