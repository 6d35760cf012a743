"""Frames that only the HDF5 library can read: any layout, any filter, one call at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.errors import DataError, FramefoldError
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import WHEREVER, runs


@contextmanager
def hdf5_errors(path: str) -> Iterator[None]:
    """Turn whatever the HDF5 library raises into a `DataError` that names the file."""
    try:
        yield
    except FramefoldError:
        raise
    except Exception as error:
        # damage comes out as OSError, RuntimeError, KeyError, ValueError, TypeError,
        # UnicodeError, MemoryError ..., whichever structure it hit
        raise DataError(
            f"{path} cannot be read as HDF5 ({type(error).__name__}: {error}); it may be damaged, "
            "cut off or still being written"
        ) from error


@cache
def offer_filters() -> bool:
    """Register the filters of hdf5plugin with the library, where that package is installed."""
    try:
        # optional: only files with filters beyond our codecs need it
        import hdf5plugin  # noqa: F401
    except ImportError:
        return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class LibraryFrames:
    """Frames of an HDF5 dataset; storage on the main side and piece in a block.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    name : str
        Path of the dataset in it.
    nav_axes : tuple of int
        Length of each axis of the dataset that counts frames, slow axis first.
    fixed : tuple of (int, int)
        Axis among the leading ones -> index, for axes that choose (a detector's channel).
    sig_shape : tuple of int
        Shape of a frame in the dataset [pixels].
    cache_bytes : int
        How much decoded data the library shall keep [bytes].
    first, frames : int
        Which of the frames, counted in C order over ``nav_axes``.
    """

    identity: FileIdentity
    name: str
    nav_axes: tuple[int, ...]
    fixed: tuple[tuple[int, int], ...]
    sig_shape: tuple[int, ...]
    cache_bytes: int
    first: int
    frames: int

    gap: ClassVar[int] = WHEREVER

    def piece(self, first: int, stop: int) -> LibraryFrames:
        """The frames ``[first, stop)``."""
        return LibraryFrames(
            self.identity,
            self.name,
            self.nav_axes,
            self.fixed,
            self.sig_shape,
            self.cache_bytes,
            self.first + first,
            stop - first,
        )

    def open(self) -> OpenLibraryFrames:
        """The dataset, opened.

        Raises
        ------
        DataError
            If the file or the dataset cannot be opened.
        """
        with hdf5_errors(self.identity.path):
            self.identity.check()
            offer_filters()
            # not kept open: the library lets nobody write a file that this process has open,
            # and opening one anew is cheap against decoding a block
            file = h5py.File(self.identity.path, "r", rdcc_nbytes=self.cache_bytes)
            return OpenLibraryFrames(self, file)


class OpenLibraryFrames:
    """Reads hyperslabs of a dataset.

    Parameters
    ----------
    piece : LibraryFrames
        What to read.
    file : h5py.File
        Where from; closed with this.
    """

    def __init__(self, piece: LibraryFrames, file: h5py.File) -> None:
        self._piece = piece
        self._file = file
        self._dataset = file[piece.name]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        damaged: list[int] = []
        reason = ""
        for at, row, count in runs(rows):
            try:
                self._read_run(row, out[at : at + count])
            except (OSError, RuntimeError) as error:
                # a damaged chunk; find which frames lie in it
                reason = reason or f"{self._piece.identity.name}: {error}"
                damaged += self._damaged(row, out[at : at + count])
        if damaged:
            raise UndecodableFrames(np.array(damaged, dtype=np.int64), reason)
        return out

    def _damaged(self, row: int, out: NDArray[Any]) -> list[int]:
        found = []
        for i in range(len(out)):
            try:
                self._read_run(row + i, out[i : i + 1])
            except (OSError, RuntimeError):
                found.append(row + i)
        return found

    def _read_run(self, row: int, out: NDArray[Any]) -> None:
        piece, done = self._piece, 0
        for slab in slabs(piece.nav_axes, piece.first + row, len(out)):
            count = math.prod(s.stop - s.start for s in slab)
            index = list(slab)
            for axis, chosen in piece.fixed:
                index.insert(axis, slice(chosen, chosen + 1))
            shape = (*(s.stop - s.start for s in index), *piece.sig_shape)
            whole = tuple(slice(0, n) for n in piece.sig_shape)
            target = out[done : done + count].reshape(shape)
            self._dataset.read_direct(target, source_sel=(*index, *whole))
            done += count


def slabs(axes: tuple[int, ...], first: int, count: int) -> Iterator[tuple[slice, ...]]:
    """A stretch of a flattened array as boxes, in order.

    Parameters
    ----------
    axes : tuple of int
        Shape of the array, slow axis first.
    first, count : int
        The stretch in C order.

    Yields
    ------
    tuple of slice
        A box of the array, as large as possible.
    """
    if not axes:
        yield ()
        return
    if len(axes) == 1:
        yield (slice(first, first + count),)
        return
    inner = math.prod(axes[1:])
    while count:
        row, column = divmod(first, inner)
        if column == 0 and count >= inner:
            taken = count // inner * inner
            yield (slice(row, row + count // inner), *(slice(0, n) for n in axes[1:]))
        else:
            taken = min(count, inner - column)
            for box in slabs(axes[1:], column, taken):
                yield (slice(row, row + 1), *box)
        first, count = first + taken, count - taken


def covered(
    shape: tuple[int, ...], chunk: tuple[int, ...], written: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which places along the leading axes have all their chunks.

    Parameters
    ----------
    shape : tuple of int
        Shape of the dataset.
    chunk : tuple of int
        Shape of a chunk.
    written : ndarray of int64, shape (chunks, axes)
        Where the chunks start that exist, along the first ``axes`` axes only [elements].

    Returns
    -------
    ndarray of bool, shape shape[:axes]
        Whether nothing of the frame at this place would be invented by the library.
    """
    axes = written.shape[1]
    if not axes:
        whole = math.prod(-(-n // c) for n, c in zip(shape, chunk, strict=True))
        return np.array(len(written) >= whole)
    grid = tuple(-(-n // c) for n, c in zip(shape, chunk, strict=True))
    counts = np.zeros(grid[:axes], dtype=np.int64)
    cells = written // np.array(chunk[:axes], dtype=np.int64)
    np.add.at(counts, tuple(cells.T), 1)
    found: NDArray[np.bool_] = counts >= math.prod(grid[axes:])
    for axis, n in itertools.islice(enumerate(shape), axes):
        found = np.repeat(found, chunk[axis], axis=axis).take(range(n), axis=axis)
    return found
