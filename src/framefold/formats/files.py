"""FileDataSet: a recording that can be read again and again, and the reader of one run over it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending
from framefold.core.scan import Scan
from framefold.errors import DataError
from framefold.formats.blocks import FileBlock
from framefold.formats.dataset import RecordedDataSet
from framefold.formats.facts import FileFacts
from framefold.formats.pieces import Piece, Storage


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Consecutive frames of the acquisition that lie one after another in one storage.

    Parameters
    ----------
    number : int
        Number of the first frame, as the detector counts, from 0.
    storage : Storage
        Where they lie.
    first : int
        Which frame of the storage is the first of them.
    count : int
        How many.
    """

    number: int
    storage: Storage
    first: int
    count: int


class FileDataSet(RecordedDataSet):
    """A recorded acquisition.

    Parameters
    ----------
    acquisition : Acquisition
        What was measured.
    segments : tuple of Segment
        The frames there are; ascending numbers, none twice.
    facts : FileFacts
        What was found out about the file, for people.
    num_partitions : int or None
        How many partitions; None for as many as suit the workers.
    step : int
        Frames that the file stores as one.

    Raises
    ------
    DataError
        If there is no frame at all.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        segments: tuple[Segment, ...],
        facts: FileFacts,
        *,
        num_partitions: int | None = None,
        step: int = 1,
    ) -> None:
        if not segments:
            raise DataError(f"{acquisition.source} holds no frames")
        super().__init__(acquisition, facts, num_partitions=num_partitions, step=step)
        self.segments = segments
        numbers = np.array([s.number for s in segments], dtype=np.int64)
        counts = np.array([s.count for s in segments], dtype=np.int64)
        self.starts = numbers - acquisition.scan.sync_offset
        """Flat position of the first frame of each segment; may lie outside the scan."""
        self.stops = self.starts + counts
        """Flat position behind the last frame of each segment."""

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return sum(segment.count for segment in self.segments)

    def reader(self) -> FileReader:
        """A fresh reader over all frames."""
        return FileReader(self)

    def block(self, ident: int, start: int, stop: int) -> FileBlock | None:
        """The frames at the flat scan positions ``[start, stop)``; None if there are none."""
        spans: list[tuple[int, int]] = []
        parts: list[tuple[Storage, int, int]] = []
        first = int(np.searchsorted(self.stops, start, side="right"))
        last = int(np.searchsorted(self.starts, stop, side="left"))
        for i in range(first, last):
            segment, at = self.segments[i], int(self.starts[i])
            a, b = max(start, at), min(stop, at + segment.count)
            if spans and spans[-1][1] == a:
                spans[-1] = (spans[-1][0], b)
            else:
                spans.append((a, b))
            low, high = segment.first + a - at, segment.first + b - at
            # frames that the file lacks are a gap in the positions, not in the storage
            if parts and parts[-1][0] is segment.storage and parts[-1][2] == low:
                parts[-1] = (segment.storage, parts[-1][1], high)
            else:
                parts.append((segment.storage, low, high))
        if not spans:
            return None
        pieces: list[Piece] = [storage.piece(low, high) for storage, low, high in parts]
        return FileBlock(ident, tuple(spans), tuple(pieces), self.acquisition.sig_shape)


class FileReader:
    """The frames of a recording, handed out as blocks.

    Parameters
    ----------
    data_set : FileDataSet
        What to read.
    """

    def __init__(self, data_set: FileDataSet) -> None:
        self._data_set = data_set
        self._stopped = threading.Event()
        self._exhausted = False  # written by: whoever draws blocks
        self._received = 0  # written by: whoever draws blocks
        self._missing = 0  # written by: whoever draws blocks

    @property
    def acquisition(self) -> Acquisition:
        """What was measured."""
        return self._data_set.acquisition

    def blocks(self, plan: BlockPlan) -> Iterator[Block]:
        """Partitions of the scan in ascending order; those without a selected frame left out.

        Parameters
        ----------
        plan : BlockPlan
            How many workers there are, and which positions are wanted.
        """
        data_set = self._data_set
        present = _present(data_set, plan.selection)
        size = data_set.acquisition.scan.size
        wanted = size if plan.selection is None else int(np.count_nonzero(plan.selection))
        self._missing = wanted - int(present[-1])
        cuts = data_set.cuts(plan.workers)
        holds = np.diff(present[cuts]) > 0
        for ident in np.flatnonzero(holds).tolist():
            if self._stopped.is_set():
                return
            block = data_set.block(ident, int(cuts[ident]), int(cuts[ident + 1]))
            assert block is not None, "a partition with frames has a block"
            self._received += sum(stop - start for start, stop in block.spans)
            yield block
        self._exhausted = True

    def release(self, block: Block) -> None:
        """Take a block back; a file needs nothing of it."""

    def stop(self) -> None:
        """Hand out no more blocks."""
        self._stopped.set()

    def losses(self) -> Losses:
        """Frames handed out, frames beyond the scan, positions without a frame."""
        data_set = self._data_set
        size = data_set.acquisition.scan.size
        placed = np.clip(data_set.stops, 0, size) - np.clip(data_set.starts, 0, size)
        return Losses(
            received=self._received,
            nowhere=data_set.frames - int(placed.sum()),
            missing=self._missing,
        )

    def ending(self) -> Ending:
        """Complete if the file holds every frame it promises and nobody stopped the reading."""
        facts, losses = self._data_set.facts, self.losses()
        # a reader may be stopped to tidy up when all is read already
        if self._stopped.is_set() and not self._exhausted:
            return Ending(False, "reading was stopped", losses)
        lacking = facts.frames_promised - facts.frames_found
        if lacking > 0:
            reason = f"{lacking} of {facts.frames_promised} promised frames are not in the file"
            return Ending(False, reason, losses)
        if facts.missing_files:
            return Ending(False, f"missing files: {', '.join(facts.missing_files)}", losses)
        if losses.missing:
            reason = f"all frames read; {losses.missing} scan positions have no frame"
            return Ending(True, reason, losses)
        return Ending(True, "all frames read", losses)


def _present(data_set: FileDataSet, selection: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """How many selected positions with a frame stand before each position; shape (size + 1,)."""
    size = data_set.acquisition.scan.size
    steps = np.zeros(size + 1, dtype=np.int64)
    starts = np.clip(data_set.starts, 0, size)
    stops = np.clip(data_set.stops, 0, size)
    np.add.at(steps, starts, 1)
    np.add.at(steps, stops, -1)
    here = np.cumsum(steps[:-1])
    if selection is not None:
        here = here * selection
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(here)])


def acquisition_of(
    ident: str,
    source: str,
    scan: Scan,
    sig_shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    facts: FileFacts,
    metadata: Mapping[str, object],
) -> Acquisition:
    """What was measured, as a recording tells it; pixels in the machine's byte order."""
    return Acquisition(
        ident=ident,
        source=source,
        scan=scan,
        sig_shape=sig_shape,
        dtype=dtype.newbyteorder("="),
        frames=facts.frames_promised,
        metadata=metadata,
    )
