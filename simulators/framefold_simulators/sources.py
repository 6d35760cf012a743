"""Where a simulated detector's frames come from: a scene, or a file with real ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import h5py
import hdf5plugin  # noqa: F401 - registers the filters that detectors' files need
import numpy as np
from numpy.typing import NDArray


class Source(Protocol):
    """Frames by their flat scan position; `framefold_simulators.scene.Scene` is one."""

    @property
    def scan(self) -> tuple[int, ...]:
        """Scan shape in positions."""

    @property
    def sig_shape(self) -> tuple[int, int]:
        """Rows and columns [pixels]."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type."""

    def frames(self, first: int, count: int) -> NDArray[Any]:
        """``count`` frames from position ``first``, shape (count, rows, columns)."""


class Recorded:
    """Frames of an array in a file, converted to what a detector can send.

    Parameters
    ----------
    array : ndarray or h5py.Dataset, shape scan + (rows, columns)
        The frames; only what is asked for is read.
    dtype : numpy.dtype or None
        Unsigned integer type to send; the array's own by default. Values are rounded, and
        cut off at the limits of the type.
    scan : tuple of int or None
        Scan shape, where it is not the array's own.
    """

    def __init__(
        self,
        array: NDArray[Any] | h5py.Dataset,
        dtype: np.dtype[Any] | None = None,
        scan: tuple[int, ...] | None = None,
    ) -> None:
        if array.ndim < 3:
            raise ValueError(f"an array of shape {array.shape}; needs (frames, rows, columns)")
        self._array = array
        self._nav = tuple(int(n) for n in array.shape[:-2])
        self.scan = self._nav if scan is None else scan
        self.sig_shape = (int(array.shape[-2]), int(array.shape[-1]))
        self.dtype = np.dtype(array.dtype if dtype is None else dtype).newbyteorder("=")
        if self.dtype.kind != "u" or self.dtype.itemsize > 4:
            raise ValueError(f"pixels of type {self.dtype}; name uint8, uint16 or uint32 instead")
        if math.prod(self.scan) > math.prod(self._nav):
            raise ValueError(f"a scan of {self.scan} from an array of {self._nav} frames")

    def frames(self, first: int, count: int) -> NDArray[Any]:
        """``count`` frames from position ``first``, shape (count, rows, columns)."""
        if isinstance(self._array, np.ndarray):
            found = self._array.reshape(-1, *self.sig_shape)[first : first + count]
        elif len(self._nav) == 1:
            found = self._array[first : first + count]
        else:
            found = self._lines(first, count)
        if found.dtype == self.dtype:
            return np.ascontiguousarray(found)
        limits = np.iinfo(self.dtype)
        return np.clip(np.rint(found), limits.min, limits.max).astype(self.dtype)

    def _lines(self, first: int, count: int) -> NDArray[Any]:
        """Whole lines that hold the frames, as HDF5 has no flat view; cut to what was asked."""
        columns = self._nav[-1]
        low, high = first // columns, -(-(first + count) // columns)
        read = [self._array[np.unravel_index(i, self._nav[:-1])] for i in range(low, high)]
        return np.concatenate(read)[first - low * columns :][:count]


def open_file(
    name: str, dtype: np.dtype[Any] | None = None, scan: tuple[int, ...] | None = None
) -> Recorded:
    """The frames of ``FILE.npy``, ``FILE.h5`` or ``FILE.h5:/path/to/dataset``.

    Parameters
    ----------
    name : str
        The file; without a path in it, the first data set of three or more dimensions.
    dtype : numpy.dtype or None
        Unsigned integer type to send; the file's own by default.
    scan : tuple of int or None
        Scan shape, where it is not the file's own.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there are no frames in it that a detector could send.
    """
    path, _, inside = name.partition(":")
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path}")
    if path.endswith(".npy"):
        return Recorded(np.load(path, mmap_mode="r", allow_pickle=False), dtype, scan)
    try:
        file = h5py.File(path, "r")  # stays open: frames are read while they are sent
    except OSError as error:
        raise ValueError(f"{path} is neither .npy nor HDF5: {error}") from error
    if inside:
        found = file.get(inside)
        if not isinstance(found, h5py.Dataset):
            raise ValueError(f"no data set {inside} in {path}")
        return Recorded(found, dtype, scan)
    stacks: list[h5py.Dataset] = []
    file.visititems(
        lambda _, item: (
            stacks.append(item) if isinstance(item, h5py.Dataset) and item.ndim >= 3 else None
        )
    )
    if not stacks:
        raise ValueError(f"no data set of three or four dimensions in {path}")
    return Recorded(stacks[0], dtype, scan)
