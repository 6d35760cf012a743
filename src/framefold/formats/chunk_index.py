"""The index of a dataset's chunks where its writer died, or is at work; read without HDF5.

HDF5 rewrites whole pages of the index, some 20 kB each. A kill can cut such a write in two between
two pages of memory: the front is new, the rest as it was. Its checksum is wrong then, and HDF5
either refuses the file or, reading as for SWMR, waits for a writer that is gone, for hours. But
chunks never move: every entry in front of the cut is right, and every one behind it was. Only the
checksum has to be set, and entries that were never written, or are cut themselves, to be emptied.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.formats.superblock import lookup3

_HEADER = struct.Struct("<4sBBBBQQI")  # FAHD: kind, width, page bits, entries, address, checksum
_BLOCK = struct.Struct("<4sBBQ")  # FADB: kind, address of the header
_CHECKSUM = struct.Struct("<I")
_NOWHERE = 0xFFFFFFFFFFFFFFFF
_SEARCHED = 1 << 16  # bytes at the start of a file, in which its datasets are laid out
ADDRESS_BYTES, MASK_BYTES = 8, 4
"""Of an entry: address in front; behind it, where there is a filter, length and filter mask."""


@dataclass(frozen=True, slots=True)
class FixedArray:
    """Where the index of a dataset with a fixed number of chunks lies.

    Parameters
    ----------
    entries : int
        How many chunks there may be.
    width : int
        Of one entry [bytes].
    per_page : int
        Entries of a page.
    address : int
        Where its data block begins [bytes].

    Notes
    -----
    HDF5 File Format Specification 3.0, section III.E, "Disk Format: Level 1E - Fixed Array Index".
    """

    entries: int
    width: int
    per_page: int
    address: int

    @classmethod
    def find(cls, content: NDArray[np.uint8]) -> FixedArray | None:
        """The index of the one dataset in a data file that has chunks; None if none is begun."""
        start = content[:_SEARCHED].tobytes()
        at = start.find(b"FAHD")
        while at >= 0:
            head = start[at : at + _HEADER.size]
            if len(head) == _HEADER.size and _is_whole(head):
                _, _, _, width, bits, entries, address, _ = _HEADER.unpack(head)
                there = width >= ADDRESS_BYTES and address < len(content)
                return cls(entries, width, 1 << bits, address) if there else None
            at = start.find(b"FAHD", at + 1)
        return None

    @property
    def pages(self) -> int:
        """How many pages it has; 0 for one without."""
        return -(-self.entries // self.per_page) if self.entries > self.per_page else 0

    @property
    def length_bytes(self) -> int:
        """Of an entry, the part with the length of its chunk [bytes]; 0 where all are alike."""
        return max(0, self.width - ADDRESS_BYTES - MASK_BYTES)

    @property
    def mark_bytes(self) -> int:
        """Length of the marks that say which pages are in use [bytes]."""
        return -(-self.pages // 8)

    @property
    def head_bytes(self) -> int:
        """What stands in front of the entries, or of the pages and a checksum [bytes]."""
        return _BLOCK.size + self.mark_bytes

    def rows(self, page: int) -> slice:
        """The numbers of the entries of a page; all of them where there are no pages."""
        if not self.pages:
            return slice(0, self.entries)
        return slice(page * self.per_page, min((page + 1) * self.per_page, self.entries))

    def entries_at(self, page: int) -> int:
        """Address of the first entry of a page; of all entries where there are no pages."""
        start = self.address + self.head_bytes
        if not self.pages:
            return start
        return start + _CHECKSUM.size + page * (self.per_page * self.width + _CHECKSUM.size)

    def patches(self, content: NDArray[np.uint8]) -> dict[int, bytes]:
        """What must be written so that every page has the checksum of what is in it.

        Parameters
        ----------
        content : ndarray of uint8, shape (bytes,)
            The file.

        Returns
        -------
        dict of int to bytes
            By address; empty if nothing was cut in two.
        """
        found = {}
        for at, size in self._pieces(content):
            piece = content[at : at + size].tobytes()
            if len(piece) == size and not _is_whole(piece):
                found[at] = self._mended(at, piece, len(content))
        return found

    def _pieces(self, content: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
        """Address and length of everything that has a checksum of its own and is in use."""
        front = self.head_bytes
        if not self.pages:
            yield self.address, front + self.entries * self.width + _CHECKSUM.size
            return
        yield self.address, front + _CHECKSUM.size
        begun = np.unpackbits(content[self.address + _BLOCK.size : self.address + front])
        for page in np.flatnonzero(begun[: self.pages]).tolist():
            rows = self.rows(page)
            count = rows.stop - rows.start
            yield self.entries_at(page), count * self.width + _CHECKSUM.size

    def _mended(self, at: int, piece: bytes, end: int) -> bytes:
        front = 0
        if at == self.address:
            front = len(piece) - _CHECKSUM.size if self.pages else _BLOCK.size
        body = bytearray(piece[: -_CHECKSUM.size])
        empty = _NOWHERE.to_bytes(8, "little") + bytes(self.width - ADDRESS_BYTES)
        for place in range(front, len(body), self.width):
            address = int.from_bytes(body[place : place + ADDRESS_BYTES], "little")
            length = body[place + ADDRESS_BYTES : place + ADDRESS_BYTES + self.length_bytes]
            behind = address + int.from_bytes(length, "little")
            if not address or behind > end:
                body[place : place + self.width] = empty
        return checked(bytes(body))


def checked(piece: bytes) -> bytes:
    """A piece of metadata with its checksum behind it."""
    return piece + _CHECKSUM.pack(lookup3(piece))


def _is_whole(piece: bytes) -> bool:
    return bool(_CHECKSUM.unpack(piece[-_CHECKSUM.size :])[0] == lookup3(piece[: -_CHECKSUM.size]))
