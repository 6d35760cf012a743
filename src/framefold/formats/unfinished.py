"""A data file that nobody closed, as it would look had it been closed now; the file stays as it is.

HDF5 itself reads such a file as for SWMR only, and waits where a page of it is half written.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from framefold.errors import DataError
from framefold.formats.chunk_index import FixedArray
from framefold.formats.superblock import CLOSED, Superblock


def patches(path: str | os.PathLike[str]) -> dict[int, bytes]:
    """What must be written into a file for everybody to open it.

    Parameters
    ----------
    path : path-like
        A data file that framefold wrote.

    Returns
    -------
    dict of int to bytes
        By address; empty if it was closed in order.

    Raises
    ------
    DataError
        If it is not such a file, or cannot be read.
    """
    found = Superblock.read(path)
    if found is None:
        raise DataError(f"{path} does not begin like a file that framefold wrote; it is left alone")
    size = Path(path).stat().st_size
    if found.is_closed and found.end <= size:
        return {}
    content = np.memmap(path, np.uint8, "r", shape=(size,))
    index = FixedArray.find(content)
    mended = {} if index is None else index.patches(content)
    return {**mended, 0: replace(found, flags=CLOSED, end=size).packed()}


class Unfinished(io.RawIOBase):
    """A file with its `patches`, for reading; what HDF5 takes in place of a path.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    DataError
        As `patches`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._patches = patches(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._descriptor).st_size
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where we are."""
        return self._at

    def readinto(self, buffer: object) -> int:
        """Read what is there, patched."""
        out = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # anything with memory
        found = os.pread(self._descriptor, len(out), self._at)
        out[: len(found)] = found
        stop = self._at + len(found)
        for at, piece in self._patches.items():
            low, high = max(at, self._at), min(at + len(piece), stop)
            if low < high:
                out[low - self._at : high - self._at] = piece[low - at : high - at]
        self._at = stop
        return len(found)

    def close(self) -> None:
        """Let go of the file."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()
