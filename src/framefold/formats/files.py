"""FileDataSet: a recording that can be read again and again, and the reader of one run over it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.losses import Losses
from framefold.core.pixel_mask import PixelMask
from framefold.core.reader import BlockPlan, Ending
from framefold.core.scan import NOWHERE, Scan
from framefold.errors import DataError
from framefold.formats.blocks import FileBlock
from framefold.formats.dataset import RecordedDataSet
from framefold.formats.facts import FileFacts
from framefold.formats.gathering import Segment, gather, present
from framefold.formats.pieces import Piece, Storage
from framefold.formats.pixel_masks import without_value
from framefold.formats.summing import SummedBlock, sum_type

__all__ = ["FileDataSet", "FileReader", "Segment", "acquisition_of"]


class FileDataSet(RecordedDataSet):
    """A recorded acquisition.

    Parameters
    ----------
    acquisition : Acquisition
        What was measured; its dtype is that of the frames as they are stored.
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
        self.stored_dtype: np.dtype[Any] = acquisition.dtype
        """Pixel type of the frames as they are stored; sums of several have a wider one."""
        self._sentinel: int | None = None
        scan = acquisition.scan
        if scan.sums:
            wide = sum_type(acquisition.dtype, scan.frames_per_position)
            mask = acquisition.mask
            # added to another value it would be none any more: it goes before
            self._sentinel = mask.sentinel if mask.blanks else None
            acquisition = replace(acquisition, dtype=wide, mask=replace(mask, sentinel=None))
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

    def masked_pixels(self) -> int | None:
        """How many pixels are without value: by the mask in the file, or in the first frame."""
        mask = self.acquisition.mask
        if mask.excluded is not None:
            return mask.count
        if self.acquisition.scan.sums:
            return None
        found = without_value(self.acquisition, self.segments)
        return None if found is None else int(np.count_nonzero(found))

    def reader(self) -> FileReader:
        """A fresh reader over all frames."""
        return FileReader(self)

    def block(self, ident: int, start: int, stop: int) -> FileBlock | SummedBlock | None:
        """The frames at the flat scan positions ``[start, stop)``; None if there are none."""
        scan, sig_shape = self.acquisition.scan, self.acquisition.sig_shape
        if scan.is_plain:
            return self._consecutive(ident, start, stop)
        each = scan.frames_per_position if scan.sums else 1
        numbers = scan.unfolded.numbers(start * each, stop * each)
        block = gather(ident, self.segments, start * each, numbers, sig_shape)
        if block is None or not scan.sums:
            return block
        return SummedBlock.of(
            block, block.spans, each, self.stored_dtype, sig_shape, self._sentinel
        )

    def has_frame(self) -> NDArray[np.bool_]:
        """Whether each position has a frame: shape (positions,)."""
        scan = self.acquisition.scan
        if scan.is_plain:
            steps = np.zeros(scan.size + 1, dtype=np.int64)
            np.add.at(steps, np.clip(self.starts, 0, scan.size), 1)
            np.add.at(steps, np.clip(self.stops, 0, scan.size), -1)
            return np.asarray(np.cumsum(steps[:-1]) > 0)
        each = scan.frames_per_position if scan.sums else 1
        numbers = scan.unfolded.numbers(0, scan.size * each)
        return np.asarray(present(self.segments, numbers).reshape(-1, each).all(axis=1))

    @cached_property
    def frames_placed(self) -> int:
        """How many frames have a position of their own."""
        scan = self.acquisition.scan
        if scan.is_plain:  # many ask, and a scan may have millions of positions
            starts, stops = np.clip(self.starts, 0, scan.size), np.clip(self.stops, 0, scan.size)
            return int((stops - starts).sum())
        each = scan.frames_per_position if scan.sums else 1
        return int(np.count_nonzero(self.has_frame())) * each

    @cached_property
    def frames_twice(self) -> int:
        """How many frames belong to positions that have another, earlier one."""
        scan = self.acquisition.scan
        if scan.table is None:
            return 0
        numbers = np.arange(scan.frames_needed, dtype=np.int64)
        there = present(self.segments, numbers) & (scan.positions_of(numbers) != NOWHERE)
        return int(np.count_nonzero(there & (scan.own_positions_of(numbers) == NOWHERE)))

    def _consecutive(self, ident: int, start: int, stop: int) -> FileBlock | None:
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
        here = data_set.has_frame()
        if plan.selection is not None:
            here &= plan.selection
        before = np.concatenate([[0], np.cumsum(here, dtype=np.int64)])
        wanted = len(here) if plan.selection is None else int(np.count_nonzero(plan.selection))
        self._missing = wanted - int(before[-1])
        cuts = data_set.cuts(plan.workers)
        holds = np.diff(before[cuts]) > 0
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

    def held(
        self, positions: NDArray[np.int64]
    ) -> AbstractContextManager[Iterable[tuple[str, Block]]]:
        """Frames by their positions; see `framefold.core.picking.Holder`."""
        return self._data_set.held(positions)

    def stop(self) -> None:
        """Hand out no more blocks."""
        self._stopped.set()

    def losses(self) -> Losses:
        """Frames handed out, frames beyond the scan, positions without a frame."""
        data_set = self._data_set
        nowhere = data_set.frames - data_set.frames_placed - data_set.frames_twice
        needed = data_set.acquisition.scan.frames_needed
        surplus = min(nowhere, max(0, data_set.frames - needed))
        return Losses(
            received=self._received,
            duplicate=data_set.frames_twice,
            flyback=nowhere - surplus,
            surplus=surplus,
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


def acquisition_of(
    ident: str,
    source: str,
    scan: Scan,
    sig_shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    facts: FileFacts,
    metadata: Mapping[str, object],
    mask: PixelMask | None = None,
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
        mask=mask or PixelMask(),
    )
