"""MemoryReader: frames of an array on the way that a detector's frames take, without a wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from framefold.connections.pending import PendingAcquisition
from framefold.core.block import Block
from framefold.core.encoding import Encoding
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending
from framefold.errors import RunFailedError
from framefold.live.announcement import ScanChoice
from framefold.live.assembler import Assembler, FreeSlots, Verdict, frames_per_block
from framefold.live.block import SlotBlock, forget
from framefold.live.collection import Collection
from framefold.live.opening import by_arrival, ring_shape
from framefold.live.settings import StreamSettings
from framefold.processes.segment import Segment
from framefold.protocols import Arrived

RAW = Encoding("raw")


class MemoryReader:
    """Places frames into a ring as a receiver does, in the thread that asks for blocks.

    Parameters
    ----------
    frames : ndarray, shape (frames, rows, columns)
        Contiguous, machine byte order.
    arrivals : iterable of int
        Frame numbers in the order in which they come.
    pending : PendingAcquisition
    choice : ScanChoice
        How the scan runs.
    settings : StreamSettings
        Sizes of the ring and of blocks.
    """

    def __init__(
        self,
        frames: NDArray[Any],
        arrivals: Iterable[int],
        pending: PendingAcquisition,
        choice: ScanChoice,
        settings: StreamSettings,
    ) -> None:
        scan = choice.rule.fit(len(frames)).scan
        self.acquisition = pending.acquisition(scan)
        self._frames = frames
        self._arrivals = arrivals
        frame_bytes = self.acquisition.frame_bytes
        self._shape = ring_shape(settings.ring_bytes, frame_bytes, settings.block_bytes)
        wanted = choice.frames_per_block or settings.frames_per_block
        self._stretch = frames_per_block(
            frame_bytes,
            wanted=wanted,
            block_bytes=settings.block_bytes,
            frames=scan.size,
        )
        self._by_arrival = by_arrival(scan, wanted)
        self._free = FreeSlots(self._shape.slots)
        self._assembler: Assembler | None = None  # while there is a ring
        self._ended: Ending | None = None
        self._ring_bytes = settings.ring_bytes
        self._ring: Segment | None = None
        self._out = 0  # slots that are with the workers
        self._duplicate = self._flyback = self._surplus = 0
        # held by: who takes a slot, or gives it back
        self._changed = threading.Condition()
        self._taken = self._stopped = self._over = False

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:  # noqa: ARG002 - as a detector's come
        """Blocks as they become ready.

        Raises
        ------
        RunFailedError
            The second time: frames of a detector pass once.
        """
        if self._taken:
            raise RunFailedError(f"series {self.acquisition.ident} was run already")
        self._taken = True
        self._ring = ring = Segment.create(self._ring_bytes)
        self._assembler = Assembler(
            self.acquisition.scan, self._stretch, self._shape, self._free, ring.bytes,
            len(self._frames), by_arrival=self._by_arrival,
        )  # fmt: skip
        collection = Collection(self.acquisition, self._assembler, self._shape, ring.path)
        try:
            for number in self._arrivals:
                yield from self._placed(number, collection)
                if self._stopped:
                    return
            collection.assembler.seal_all()
            yield from self._sealed(collection)
        finally:
            with self._changed:
                self._over = True
                self._let_go()

    def _sealed(self, collection: Collection) -> Iterator[SlotBlock]:
        for block in collection.sealed(time.monotonic()):
            with self._changed:
                self._out += 1
            yield block

    def _placed(self, number: int, collection: Collection) -> Iterator[SlotBlock]:
        said = self.acquisition
        payload = self._frames[number].reshape(-1).view("u1").data
        frame = Arrived(f"{said.ident}", number, payload, RAW, said.sig_shape, said.dtype)
        while True:
            with self._changed:
                verdict = collection.take(frame, time.monotonic())
            yield from self._sealed(collection)
            if verdict != Verdict.FULL:
                break
            with self._changed:
                self._changed.wait_for(lambda: len(self._free) or self._stopped)
            if self._stopped:
                return
        self._duplicate += verdict == Verdict.DUPLICATE
        if verdict == Verdict.NOWHERE:
            beyond = collection.is_surplus(number)
            self._surplus += beyond
            self._flyback += not beyond

    def release(self, block: Block) -> None:
        """Take a slot back."""
        assert isinstance(block, SlotBlock)
        with self._changed:
            self._free.give_back(block.slot)
            self._out -= 1
            self._let_go()
            self._changed.notify_all()

    def _let_go(self) -> None:
        """Free the ring, once nobody has a slot of it any more."""
        if self._over and self._out == 0 and self._ring is not None:
            self._ended = self.ending()
            self._assembler = None  # it looks into the ring
            forget(self._ring.path)
            self._ring.close()

    def stop(self) -> None:
        """Hand out no more blocks."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def losses(self) -> Losses:
        """What was counted so far."""
        known = self._assembler
        if known is None and self._ended is not None:
            return self._ended.losses
        return Losses(
            received=0 if known is None else known.received,
            duplicate=self._duplicate,
            late=0 if known is None else known.late,
            flyback=self._flyback,
            surplus=self._surplus,
        )

    def ending(self) -> Ending:
        """How it ended."""
        known = self._assembler
        if known is None and self._ended is not None:
            return self._ended
        if known is None:
            return Ending(False, "not begun", self.losses(), True)
        text = f"{known.received} of {self.acquisition.scan.size} positions received"
        cut_short = not known.is_complete and not known.reached_end
        return Ending(known.is_complete, text, self.losses(), cut_short)
