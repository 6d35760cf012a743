"""Carried: encoded frames and chunks that go into another file byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.encoding import Encoding
from framefold.formats import FileDataSet
from framefold.formats.box_grid import BoxGrid
from framefold.formats.boxed import BoxedFrames
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.filter_chain import FilterChain
from framefold.formats.opened import FileIdentity, held_open
from framefold.formats.stored_chunks import LENGTH, OFFSET, SKIPPED, StoredChunks

_CARRIED = ("bslz4", "lz4-framed", "lz4", "raw")
"""Codecs whose frames HDF5 can keep as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedFrames:
    """Frames of one encoding, each in a place of its own.

    Parameters
    ----------
    encoding : Encoding
        How they were made.
    dtype : numpy.dtype
        Pixel type, byte order included.
    positions : ndarray of int64, shape (n,)
        Where they belong, flat and ascending.
    storages : tuple of ChunkedFrames
        Where they lie.
    which, rows : ndarray of int64, shape (n,)
        Which storage each lies in, and where in it.
    """

    encoding: Encoding
    dtype: np.dtype[Any]
    positions: NDArray[np.int64]
    storages: tuple[ChunkedFrames, ...]
    which: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Flat position and bytes of each; no bytes where the file does not hold them."""
        for position, which, row in zip(
            self.positions.tolist(), self.which.tolist(), self.rows.tolist(), strict=True
        ):
            storage = self.storages[which]
            offset, length = int(storage.offsets[row]), int(storage.lengths[row])
            yield position, stretch(storage.identity, offset, length)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedChunks:
    """All chunks of a dataset that has the very shape of the recording.

    Parameters
    ----------
    grid : BoxGrid
        Its chunks.
    chain : FilterChain
        What was done to them.
    chunks : StoredChunks
        Where they lie.
    """

    grid: BoxGrid
    chain: FilterChain
    chunks: StoredChunks

    def __iter__(self) -> Iterator[tuple[tuple[int, ...], int, NDArray[np.uint8]]]:
        """Place of each in the array, the filters it was spared, and its bytes."""
        table = self.chunks.table
        boxes = self.grid.boxes
        for at in np.ndindex(*table.shape[:-1]):
            entry = table[at]
            if not entry[LENGTH]:
                continue
            nav = [i * n for i, n in zip(at[:-1], self.grid.nav_chunk, strict=True)]
            place = (*nav, *(side.start for side in boxes[at[-1]]))
            content = stretch(self.chunks.identity, int(entry[OFFSET]), int(entry[LENGTH]))
            yield place, int(entry[SKIPPED]), content


def encoded_frames(data_set: FileDataSet) -> EncodedFrames | None:
    """The frames of a recording, if each has bytes of its own that HDF5 can keep."""
    acquisition, segments = data_set.acquisition, data_set.segments
    scan = acquisition.scan
    storages = [segment.storage for segment in segments]
    chunked = tuple(storage for storage in storages if isinstance(storage, ChunkedFrames))
    forms = {(storage.codec, storage.dtype.str) for storage in chunked}
    if scan.sums or len(chunked) < len(storages) or len(forms) != 1:
        return None
    (codec, dtype), = forms  # fmt: skip
    if codec not in _CARRIED:
        return None
    numbers = scan.unfolded.numbers(0, scan.size)
    starts = np.array([segment.number for segment in segments], dtype=np.int64)
    stops = starts + np.array([segment.count for segment in segments], dtype=np.int64)
    firsts = np.array([segment.first for segment in segments], dtype=np.int64)
    which = np.maximum(np.searchsorted(starts, numbers, side="right") - 1, 0)
    there = (numbers >= starts[which]) & (numbers < stops[which]) & (numbers >= 0)
    positions = np.flatnonzero(there)
    which = which[positions]
    rows = numbers[positions] - starts[which] + firsts[which]
    swapped = np.dtype(dtype).byteorder == ">"
    return EncodedFrames(
        Encoding(codec, big_endian=swapped), np.dtype(dtype), positions, chunked, which, rows
    )


def encoded_chunks(data_set: FileDataSet) -> EncodedChunks | None:
    """The chunks of a recording, if it is one whole HDF5 dataset read by ourselves."""
    acquisition = data_set.acquisition
    scan, first = acquisition.scan, data_set.segments[0].storage
    if not isinstance(first, BoxedFrames) or not isinstance(first.cells, StoredChunks):
        return None
    grid = first.grid
    untouched = all(
        segment.storage is first and segment.number == segment.first
        for segment in data_set.segments
    )
    alike = grid.nav_shape == acquisition.nav_shape and grid.sig_shape == acquisition.sig_shape
    whole = len(grid.lengths) == len(grid.nav_shape) + len(grid.sig_shape) and not grid.fixed
    if not (untouched and alike and whole and scan.is_plain and not scan.sync_offset):
        return None
    return EncodedChunks(grid, first.cells.chain, first.cells)


def stretch(identity: FileIdentity, offset: int, length: int) -> NDArray[np.uint8]:
    """Some bytes of a file; none if it does not hold them all."""
    if offset < 0 or length < 1 or offset > identity.size - length:
        return np.empty(0, np.uint8)
    content = np.empty(length, np.uint8)
    got = held_open(identity).read_into(content, offset)
    return content if got == length else content[:0]
