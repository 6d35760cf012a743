"""RecordedReader: a reader whose blocks go to a recorder, too; each returns when both have it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses
from framefold.core.picking import Holder
from framefold.core.reader import BlockPlan, Ending, Reader

log = logging.getLogger(__name__)


class BlockSink(Protocol):
    """Whoever records blocks."""

    def begin(self, acquisition: Acquisition, give_back: Callable[[Block], None]) -> None:
        """An acquisition begins; each block goes to ``give_back`` when it is done with."""

    def write(self, block: Block) -> None:
        """Take a block."""

    def end(self, ending: Ending) -> None:
        """The acquisition is over."""

    def join(self) -> None:
        """Wait until everything that was taken is written or given up."""

    def recorded(
        self, acquisition: str, positions: NDArray[np.int64]
    ) -> Iterator[tuple[str, Block]]:
        """Frames of an acquisition that are in its files."""


class RecordedReader:
    """The frames of one acquisition for processing, while a recording gets them first.

    Blocks are drawn by a thread of our own: when processing is over before the acquisition is,
    because it failed, say, the recording goes on to its end.

    Parameters
    ----------
    reader : Reader
        Where blocks come from, and go back to.
    recording : BlockSink
        Gets every block.
    """

    def __init__(self, reader: Reader, recording: BlockSink) -> None:
        self._reader = reader
        self._recording = recording
        self._lock = threading.Lock()
        self._users: dict[int, int] = {}  # by block: who has not given it back; under the lock
        self._processing = True  # written by: `stop`, under the lock
        self._ready: queue.SimpleQueue[Block | None] = queue.SimpleQueue()
        self._drawing = threading.Thread(target=self._draw, name="record", daemon=True)
        self._drawing.start()

    @property
    def acquisition(self) -> Acquisition:
        """What is known of the measurement."""
        return self._reader.acquisition

    @property
    def room(self) -> Callable[[], int] | None:
        """As of the reader: a recording gets all frames, whatever processing lets go."""
        found: Callable[[], int] | None = getattr(self._reader, "room", None)
        return found

    def _draw(self) -> None:
        recording, reader = self._recording, self._reader
        recording.begin(reader.acquisition, self._give_back)
        try:
            # live blocks are as the receiver makes them, whatever the plan
            for block in reader.blocks(BlockPlan()):
                with self._lock:
                    processing = self._processing
                    self._users[block.ident] = 1 + processing
                recording.write(block)
                if processing:
                    self._ready.put(block)
        except Exception:
            log.exception("acquisition lost id=%s", reader.acquisition.ident)
        finally:
            self._ready.put(None)
            recording.end(reader.ending())

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:  # noqa: ARG002 - see `_draw`
        """Blocks as they become ready; ends with the acquisition or on `stop`."""
        while (block := self._ready.get()) is not None:
            with self._lock:
                wanted = self._processing
            if not wanted:
                self._give_back(block)
                return
            yield block

    def release(self, block: Block) -> None:
        """Take a block back from processing."""
        self._give_back(block)

    def _give_back(self, block: Block) -> None:
        with self._lock:
            left = self._users[block.ident] - 1
            if left:
                self._users[block.ident] = left
                return
            del self._users[block.ident]
        self._reader.release(block)

    def stop(self) -> None:
        """Hand out no more blocks to processing; the recording goes on."""
        with self._lock:
            if not self._processing:
                return
            self._processing = False
        # what waits for processing would wait for ever
        for block in self._left():
            self._give_back(block)
        self._ready.put(None)

    @contextmanager
    def held(self, positions: NDArray[np.int64]) -> Iterator[Iterable[tuple[str, Block]]]:
        """What is in the ring, then what is recorded; see `framefold.core.picking.Holder`."""
        with closing(self._found(positions)) as blocks:
            yield blocks

    def _found(self, positions: NDArray[np.int64]) -> Generator[tuple[str, Block]]:
        if isinstance(self._reader, Holder):
            # the ring is let go of before the files, which take longer
            with self._reader.held(positions) as blocks:
                yield from blocks
        yield from self._recording.recorded(self.acquisition.ident, positions)

    def _left(self) -> Iterator[Block]:
        """What waits for processing."""
        while True:
            try:
                block = self._ready.get_nowait()
            except queue.Empty:
                return
            if block is not None:
                yield block

    def losses(self) -> Losses:
        """What was counted so far."""
        return self._reader.losses()

    def ending(self) -> Ending:
        """How the acquisition ended."""
        return self._reader.ending()

    def join(self) -> None:
        """Wait until the acquisition is over and every frame is written or given up."""
        self._drawing.join()
        self._recording.join()
