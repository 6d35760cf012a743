"""DataFile: one file of a recording while it grows; readable at any moment, also if we die.

HDF5 lays the file out. What grows is written here: chunks at the end of the file, many in one call,
then the pages of the index that point to them. A frame of 16 kB costs 4.4 us of CPU so, through
HDF5 13.5 us (`docs/decisions/0012`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.formats.chunk_index import FixedArray
from framefold.formats.recording_names import TIME
from framefold.formats.superblock import BEING_WRITTEN, CLOSED, Superblock
from framefold.record.chunk_form import ChunkForm
from framefold.record.chunk_table import ChunkTable
from framefold.record.disk_pace import DiskPace
from framefold.record.past_cache import PastCache
from framefold.record.whole_writes import write_at

_HEAD_BYTES = 1 << 14
"""Room at the start for all small things: the head of the index is looked for there [bytes]."""


class DataFile:
    """Frames of a stretch of positions, one chunk each, in a file for one writer of many readers.

    Parameters
    ----------
    path : Path
        Made anew, or continued where it was closed before.
    form : ChunkForm
    span : tuple of int
        The flat positions ``[start, stop)`` that it is for.
    pace : DiskPace, optional
        Whether the disk keeps up, as far as other files of the recording have shown.

    Raises
    ------
    OSError
        If it cannot be written.
    """

    def __init__(
        self, path: Path, form: ChunkForm, span: tuple[int, int], pace: DiskPace | None = None
    ) -> None:
        self.path = path
        self._start = span[0]
        is_new = not path.exists()
        if is_new:
            _create(path, form, span)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._open(is_new)
            self._frames = PastCache(path, self._descriptor, pace or DiskPace())
        except BaseException:
            os.close(self._descriptor)
            raise
        # frames that `put` writes together: row, bytes, filter mask and time of each
        self._rows: list[int] = []
        self._chunks: list[bytes | memoryview] = []
        self._masks: list[int] = []
        self._moments: list[float] = []

    def _open(self, is_new: bool) -> None:
        with h5py.File(self.path, "r") as file:
            self._time_at: int = file[TIME].id.get_offset()
            self._times = file[TIME][()]
        head = Superblock.read(self.path)
        size = os.fstat(self._descriptor).st_size
        content = np.memmap(self.path, np.uint8, "r", shape=(size,))
        index = FixedArray.find(content)
        if head is None or index is None:
            raise OSError(f"{self.path} is not laid out as data files are")
        self._head = replace(head, flags=BEING_WRITTEN)
        self._table = (ChunkTable.empty if is_new else ChunkTable.read)(index, content)
        self._end = size
        self._touched = [len(self._times), 0]  # stretch of times that is not written yet
        # if we die before the flags say that it is being written, nobody need mend it
        self._table.flush(self._descriptor)
        write_at(self._descriptor, [self._head.packed()], 0)

    def write(self, position: int, data: bytes | memoryview, filter_mask: int, time: float) -> None:
        """Take one frame; `put` writes it.

        Parameters
        ----------
        position : int
            Its flat position in the scan.
        data : bytes or memoryview
            The chunk; it must stay as it is until `put`.
        filter_mask : int
            1 where the filter of the dataset was not applied to it.
        time : float
            When it was there, at the latest [s since the epoch].
        """
        self._rows.append(position - self._start)
        self._chunks.append(data)
        self._masks.append(filter_mask)
        self._moments.append(time)

    def put(self) -> tuple[NDArray[np.int64], int]:
        """Write the frames that were taken.

        Returns
        -------
        positions : ndarray of int64, shape (frames,)
            Their flat positions, in the order in which they were taken.
        nbytes : int
            How long they are [bytes].

        Raises
        ------
        OSError
            If the disk is full, or gone; none of these frames is in the file then.
        """
        chunks, moments = self._chunks, self._moments
        rows, masks = np.array(self._rows, np.int64), np.array(self._masks, np.int64)
        self._rows, self._chunks, self._masks, self._moments = [], [], [], []
        lengths = np.fromiter(map(len, chunks), np.int64, len(chunks))
        if not chunks:
            return rows, 0
        if lengths.max() > self._table.longest:
            raise OSError(
                f"{self.path}: a frame of {lengths.max()} bytes, where its chunks have at most "
                f"{self._table.longest}"
            )
        addresses = self._end + np.cumsum(lengths) - lengths
        # the end moves once all are there
        self._end = self._frames.write(chunks, self._end)
        self._table.put(rows, addresses, lengths, masks)
        self._times[rows] = moments
        low, high = self._touched
        self._touched = [min(low, int(rows.min())), max(high, int(rows.max()) + 1)]
        return rows + self._start, int(lengths.sum())

    def flush(self) -> None:
        """Have everything that was `put` survive us: it is the kernel's from then on.

        Raises
        ------
        OSError
            If the disk is full, or gone.
        """
        self._table.flush(self._descriptor)
        low, high = self._touched
        at = self._time_at + self._times.itemsize * low
        write_at(self._descriptor, [self._times[low:high].tobytes()], at)
        self._touched = [len(self._times), 0]

    def close(self) -> None:
        """Close it as a file that nobody writes.

        Raises
        ------
        OSError
            If the disk is full, or gone; or if it was closed before.
        """
        try:
            # what a full disk took of a frame is not in the file
            os.ftruncate(self._descriptor, self._end)
            closed = replace(self._head, flags=CLOSED, end=self._end)
            write_at(self._descriptor, [closed.packed()], 0)
        finally:
            self._frames.close()
            os.close(self._descriptor)


def _create(path: Path, form: ChunkForm, span: tuple[int, int]) -> None:
    """Make the file; it is there only once it is whole, whenever we die."""
    part = path.with_name(f".{path.name}.part")
    try:
        with h5py.File(part, "w", libver="latest", meta_block_size=_HEAD_BYTES) as file:
            _lay_out(file, form, span)
        os.replace(part, path)  # noqa: PTH105 - pathlib would only wrap it
    finally:
        part.unlink(missing_ok=True)


def _lay_out(file: h5py.File, form: ChunkForm, span: tuple[int, int]) -> None:
    """Everything but frames: HDF5 adds nothing afterwards."""
    start, stop = span
    count = stop - start
    file.attrs["default"] = "entry"
    file.attrs["creator"] = "framefold"
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    entry.attrs["default"] = "data"
    group = entry.create_group("data")
    group.attrs["NX_class"] = "NXdata"
    group.attrs["signal"] = "data"
    kind = h5py.h5t.py_create(form.dtype, logical=True)
    # were one chunk all that there can ever be, its index would be of another kind
    space = h5py.h5s.create_simple((count, *form.sig_shape), (max(count, 2), *form.sig_shape))
    frames = h5py.Dataset(h5py.h5d.create(group.id, b"data", kind, space, form.creation()))
    # as the DECTRIS filewriter counts, from 1
    frames.attrs["image_nr_low"] = start + 1
    frames.attrs["image_nr_high"] = stop
    frames.attrs["units"] = "counts"
    time = group.create_dataset("time", data=np.full(count, np.nan))
    time.attrs["units"] = "s"
    time.attrs["long_name"] = "when the frame was there, at the latest, since 1970-01-01 UTC"
    # HDF5 makes room for the index with the first chunk; what that is does not matter
    frames.id.write_direct_chunk((0,) * (1 + len(form.sig_shape)), b"-")
