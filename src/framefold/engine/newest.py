"""NewestFirst: a reader whose newest blocks come first; what nobody gets to in time is let go."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block, positions_of
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending, Reader

Room = Callable[[], int]
"""How many blocks may wait."""


class NewestFirst:
    """The frames of one acquisition for whoever would rather see what happens now than all of it.

    Blocks are drawn by a thread of our own as soon as they are ready. While more of them wait than
    there is room for, the oldest goes back; a recording has its frames all the same.

    Parameters
    ----------
    reader : Reader
        Where blocks come from, and go back to.
    room : callable
        How many blocks may wait, at least one.
    let_go : callable
        Told the flat positions of a block that goes back without having been worked on.
    """

    def __init__(
        self, reader: Reader, room: Room, let_go: Callable[[NDArray[np.int64]], None]
    ) -> None:
        self._reader = reader
        self._room = room
        self._let_go = let_go
        # guards all of the below; who wants a block waits on it
        self._changed = threading.Condition()
        self._waiting: deque[Block] = deque()
        self._dropped = 0
        self._over = False  # nobody wants blocks any more
        self._drawn = False  # none will come any more
        self._error: BaseException | None = None

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement."""
        return self._reader.acquisition

    @property
    def waiting(self) -> int:
        """Blocks that wait for a worker."""
        return len(self._waiting)

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:
        """Blocks as they become ready, the newest first; ends with the acquisition or on `stop`."""
        drawing = threading.Thread(target=self._draw, args=(plan,), name="draw", daemon=True)
        drawing.start()
        try:
            while (block := self._newest()) is not None:
                yield block
        finally:
            with self._changed:
                self._over = True
                left = tuple(self._waiting)
                self._waiting.clear()
            for block in left:
                self._reader.release(block)
        drawing.join()
        if self._error is not None:
            raise self._error

    def _newest(self) -> Block | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._drawn)
            return self._waiting.pop() if self._waiting else None

    def _draw(self, plan: BlockPlan) -> None:
        try:
            for block in self._reader.blocks(plan):
                self._put(block)
        except BaseException as error:  # noqa: BLE001 - raised again where blocks are taken
            self._error = error
        with self._changed:
            self._drawn = True
            self._changed.notify_all()

    def _put(self, block: Block) -> None:
        room = max(1, self._room())
        old: list[Block] = []
        with self._changed:
            if self._over:
                old.append(block)
            else:
                self._waiting.append(block)
                while len(self._waiting) > room:
                    old.append(self._waiting.popleft())
            over = self._over
            self._changed.notify_all()
        for one in old:
            if not over:
                positions = positions_of(one)
                with self._changed:
                    self._dropped += len(positions)
                self._let_go(positions)
            self._reader.release(one)

    def release(self, block: Block) -> None:
        """Take a block back."""
        self._reader.release(block)

    def stop(self) -> None:
        """Hand out no more blocks."""
        self._reader.stop()

    def losses(self) -> Losses:
        """What was counted so far."""
        counted = self._reader.losses()
        return replace(counted, dropped=counted.dropped + self._dropped)

    def ending(self) -> Ending:
        """How it ended; with frames let go, the reason says so."""
        found = self._reader.ending()
        if not self._dropped:
            return found
        told = f"{found.reason}; {self._dropped} frames let go, since processing was too slow"
        losses = replace(found.losses, dropped=found.losses.dropped + self._dropped)
        return replace(found, reason=told, losses=losses)
