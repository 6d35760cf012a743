"""ChunkTable: where each chunk of a data file lies, kept in memory and written by pages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.formats.chunk_index import ADDRESS_BYTES, MASK_BYTES, FixedArray, checked
from framefold.record.whole_writes import write_at

_EMPTY_ADDRESS = 0xFF


class ChunkTable:
    """The entries of a fixed array, HDF5's index of a dataset whose shape is final.

    Parameters
    ----------
    index : FixedArray
        Where it lies. HDF5 has laid it out.
    head : bytes
        What stands in front of the entries: the head of the data block, and marks that say of
        every page that it is in use.
    entries : ndarray of uint8, shape (entries, width)
        One row for each chunk: address, and where the dataset has a filter the chunk's length and
        the filters that were left out.
    is_written : bool
        Whether the file has it so.

    Notes
    -----
    HDF5 File Format Specification 3.0, section III.E, "Disk Format: Level 1E - Fixed Array Index".
    """

    def __init__(
        self, index: FixedArray, head: bytes, entries: NDArray[np.uint8], *, is_written: bool
    ) -> None:
        self._index = index
        self._head = head
        self._entries = entries
        self._touched: set[int] = set() if is_written else set(range(max(1, index.pages)))

    @classmethod
    def empty(cls, index: FixedArray, content: NDArray[np.uint8]) -> ChunkTable:
        """A table without a chunk, all of it to be written, of a file with this content."""
        entries = np.zeros((index.entries, index.width), np.uint8)
        entries[:, :ADDRESS_BYTES] = _EMPTY_ADDRESS
        return cls(index, _head(index, content), entries, is_written=False)

    @classmethod
    def read(cls, index: FixedArray, content: NDArray[np.uint8]) -> ChunkTable:
        """The table of a file with this content."""
        entries = np.empty((index.entries, index.width), np.uint8)
        for page in range(max(1, index.pages)):
            rows = index.rows(page)
            start = index.entries_at(page)
            stop = start + (rows.stop - rows.start) * index.width
            entries[rows] = content[start:stop].reshape(-1, index.width)
        return cls(index, _head(index, content), entries, is_written=True)

    @property
    def longest(self) -> int:
        """No chunk may be longer than an entry can say [bytes]."""
        return (
            (1 << 8 * self._index.length_bytes) - 1 if self._index.length_bytes else (1 << 63) - 1
        )

    def put(
        self, rows: NDArray[np.int64], addresses: NDArray[np.int64], lengths: NDArray[np.int64],
        masks: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Note where chunks lie.

        Parameters
        ----------
        rows : ndarray of int64, shape (chunks,)
            Their numbers; of one that comes twice the last place counts.
        addresses, lengths : ndarray of int64, shape (chunks,)
            Where each begins, and how long it is [bytes].
        masks : ndarray of int64, shape (chunks,)
            1 where the filter of the dataset was not applied.
        """
        sized = self._index.length_bytes
        behind = ADDRESS_BYTES + sized
        self._entries[rows, :ADDRESS_BYTES] = _little(addresses, ADDRESS_BYTES)
        if sized:
            self._entries[rows, ADDRESS_BYTES:behind] = _little(lengths, sized)
            self._entries[rows, behind:] = _little(masks, MASK_BYTES)
        if self._index.pages:
            self._touched.update(np.unique(rows // self._index.per_page).tolist())
        else:
            self._touched.add(0)

    def flush(self, descriptor: int) -> None:
        """Write the pages that have changed.

        Raises
        ------
        OSError
            If that fails; they are written the next time.
        """
        for page in sorted(self._touched):
            for at, piece in self._pieces(page):
                write_at(descriptor, [piece], at)
            self._touched.discard(page)

    def _pieces(self, page: int) -> list[tuple[int, bytes]]:
        """Address and bytes of what has to be written for a page, checksums included."""
        body = self._entries[self._index.rows(page)].tobytes()
        if not self._index.pages:
            return [(self._index.address, checked(self._head + body))]
        pieces = [(self._index.entries_at(page), checked(body))]
        # the marks go with the first page, and so are there from the beginning
        return pieces if page else [(self._index.address, checked(self._head)), *pieces]


def _head(index: FixedArray, content: NDArray[np.uint8]) -> bytes:
    """What is in front of the entries, all pages being in use: no marks to be kept in step."""
    stop = index.address + index.head_bytes - index.mark_bytes
    used = np.zeros(8 * index.mark_bytes, np.uint8)
    used[: index.pages] = 1
    return content[index.address : stop].tobytes() + np.packbits(used).tobytes()


def _little(numbers: NDArray[np.int64], count: int) -> NDArray[np.uint8]:
    """The low bytes of numbers, shape (numbers, count)."""
    return numbers.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :count]
