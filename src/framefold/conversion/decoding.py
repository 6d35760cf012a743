"""Decoding: all frames of a recording, many blocks at a time, handed to whoever writes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import Block, Frames, UndecodableFrames
from framefold.formats import FileDataSet
from framefold.udf.blanker import Blanker

Told = Callable[[int, int], None]
"""Told how many positions are done, and of how many; in the thread that waits."""

Write = Callable[[NDArray[np.int64], NDArray[Any]], None]
"""Takes frames with their flat positions, ascending; from many threads at once."""

_PIECE_BYTES = 16 << 20
"""Decoded frames that are written in one go: large enough for full speed."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer did.

    Parameters
    ----------
    carried, decoded, damaged : int
        As in `framefold.conversion.Conversion`.
    notes : tuple of str
        What the new file does not tell, a sentence each.
    """

    carried: int = 0
    decoded: int = 0
    damaged: int = 0
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Frames in the new file."""
        return self.carried + self.decoded


class Decoding:
    """Frames of a recording, decoded by several threads: our codecs leave the interpreter alone.

    Parameters
    ----------
    data_set : FileDataSet
        The recording.
    unit : int
        Positions that the new file stores as one: a piece never ends within them.
    blank : bool
        Whether masked pixels become zero, for files that cannot say that they are masked.
    """

    def __init__(self, data_set: FileDataSet, *, unit: int = 1, blank: bool = False) -> None:
        self._data_set = data_set
        self._blank = blank and data_set.acquisition.mask.blanks
        frame_bytes = max(1, data_set.acquisition.frame_bytes)
        rows = max(1, _PIECE_BYTES // frame_bytes)
        self._piece = max(unit, rows // unit * unit)
        most = max(self._piece, data_set.step)
        self._block = -(-most // unit) * unit
        self._lock = threading.Lock()
        self._decoded = 0  # written by: the threads, under the lock
        self._damaged = 0  # likewise

    def run(self, write: Write, workers: int, told: Told) -> Written:
        """Decode everything.

        Parameters
        ----------
        write : callable
            Who takes the frames.
        workers : int
            How many threads.
        told : callable
            Told of progress.

        Raises
        ------
        DataError
            If the recording has changed or vanished, or cannot be written.
        """
        size = self._data_set.acquisition.scan.size
        done = 0
        with ThreadPoolExecutor(max(1, workers), "framefold-convert") as pool:
            waiting: dict[Future[None], int] = {}
            try:
                for block, positions in self._blocks(size):
                    waiting[pool.submit(self._take, block, write)] = positions
                    if len(waiting) > 2 * workers:
                        done += _first(waiting)
                        told(done, size)
                while waiting:
                    done += _first(waiting)
                    told(done, size)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        told(size, size)
        return Written(decoded=self._decoded, damaged=self._damaged)

    def _blocks(self, size: int) -> Iterator[tuple[Block, int]]:
        for ident, start in enumerate(range(0, size, self._block)):
            stop = min(size, start + self._block)
            block = self._data_set.block(ident, start, stop)
            if block is not None:
                yield block, stop - start

    def _take(self, block: Block, write: Write) -> None:
        acquisition = self._data_set.acquisition
        sig = acquisition.sig_shape
        blanker = Blanker(acquisition.mask, acquisition.dtype, sig) if self._blank else None
        with block.open() as frames:
            positions = frames.positions
            units = (positions // self._piece).tolist()
            cuts = np.flatnonzero(np.diff(units)) + 1
            scratch = np.empty((min(self._piece, len(positions)), *sig), acquisition.dtype)
            for rows in np.split(np.arange(len(positions)), cuts):
                good, pixels = _readable(frames, rows, scratch)
                if len(good):
                    write(positions[good], pixels if blanker is None else blanker.apply(pixels))
                with self._lock:
                    self._decoded += len(good)
                    self._damaged += len(rows) - len(good)


def _readable(
    frames: Frames, rows: NDArray[np.int64], scratch: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Rows that can be decoded, and their frames."""
    while len(rows):
        try:
            return rows, frames.read(rows, scratch)
        except UndecodableFrames as finding:
            rows = np.setdiff1d(rows, finding.rows)
    return rows, scratch[:0]


def _first(waiting: dict[Future[None], int]) -> int:
    """Wait for any; how many positions are done by that."""
    finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        future.result()
    return sum(waiting.pop(future) for future in finished)
