"""Chunks of an HDF5 dataset by their places in the file: fetched with preadv, decoded by us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import codec, describe
from framefold.formats.chunks import fetch
from framefold.formats.filter_chain import MOST_EXPANDED, FilterChain
from framefold.formats.opened import FileIdentity, OpenFile, held_open

OFFSET, LENGTH, SKIPPED = range(3)
"""Columns of the table of chunks."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredChunks:
    """The chunks of a dataset.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    table : ndarray of int64, shape stacks + (cells of a stack, 3)
        Offset and length of each chunk [bytes], and a bit for each filter that it was spared;
        length 0 for chunks that do not exist.
    chain : FilterChain
        What was done to them.
    """

    identity: FileIdentity
    table: NDArray[np.int64]
    chain: FilterChain

    def part(self, window: tuple[slice, ...]) -> StoredChunks:
        """Those of some stacks."""
        return StoredChunks(self.identity, self.table[window], self.chain)

    def open(self) -> OpenStoredChunks:
        """The chunks, ready to be fetched."""
        return OpenStoredChunks(self, held_open(self.identity))


class OpenStoredChunks:
    """Fetches chunks in as few reads as make sense.

    Parameters
    ----------
    chunks : StoredChunks
        Where they lie.
    file : OpenFile
        The file.
    """

    def __init__(self, chunks: StoredChunks, file: OpenFile) -> None:
        self._table = chunks.table.reshape(-1, 3)
        self._chain = chunks.chain
        self._file = file

    def impossible(self, cells: NDArray[np.int64], cell_bytes: int) -> dict[int, str]:
        """See `framefold.formats.boxed.OpenCells.impossible`."""
        offsets, lengths = self._table[cells, OFFSET], self._table[cells, LENGTH]
        outside = (offsets < 0) | (lengths < 1) | (offsets > self._file.identity.size - lengths)
        # no sane filter doubles its input: damaged lengths could each ask for the whole file
        outside |= lengths > 2 * cell_bytes + 4096
        small = lengths < cell_bytes // MOST_EXPANDED
        name = self._file.identity.name
        said = {}
        for at in np.flatnonzero(outside | small).tolist():
            place = f"chunk at byte {offsets[at]} of {name} ({lengths[at]} bytes)"
            said[at] = (
                f"{place} lies outside the file or is too long"
                if outside[at]
                else f"{place} is too short to hold {cell_bytes} bytes"
            )
        return said

    def in_place(self, cells: NDArray[np.int64], elements: int) -> list[NDArray[Any]] | None:
        """See `framefold.formats.boxed.OpenCells.in_place`: chunks without filters."""
        offsets, lengths, skipped = self._table[cells].T
        dtype = self._chain.dtype
        plain = (skipped == (1 << len(self._chain.names)) - 1).all()
        fitting = (lengths == elements * dtype.itemsize).all()
        if not (plain and fitting and dtype.isnative and not (offsets % dtype.alignment).any()):
            return None
        mapped = self._file.mapped()
        return [
            mapped[offset : offset + length].view(dtype)
            for offset, length in zip(offsets.tolist(), lengths.tolist(), strict=True)
        ]

    def decode(self, cells: NDArray[np.int64], out: NDArray[Any]) -> dict[int, str]:
        """See `framefold.formats.boxed.OpenCells.decode`."""
        offsets, lengths, skipped = self._table[cells].T
        source, places = fetch(self._file, offsets, lengths)
        whole = self._chain.codec
        if whole is not None and not skipped.any():
            swapped = not self._chain.dtype.isnative
            status = codec(whole).decode(source, places, lengths, out, big_endian=swapped)
            wrong = {at: describe(status[at]) for at in np.flatnonzero(status).tolist()}
        else:
            wrong = {}
            for at, place in enumerate(places.tolist()):
                stored = source[place : place + int(lengths[at])]
                reason = self._chain.undo(stored, int(skipped[at]), out[at])
                if reason is not None:
                    wrong[at] = reason
        name = self._file.identity.name
        return {
            at: f"chunk at byte {offsets[at]} of {name}: {reason}" for at, reason in wrong.items()
        }
