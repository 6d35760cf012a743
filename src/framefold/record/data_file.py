"""DataFile: one file of a recording while it grows; readable at any moment, also if we die."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from framefold.formats.recording_names import FRAMES, TIME
from framefold.record.chunk_form import ChunkForm


class DataFile:
    """Frames of a stretch of positions, one chunk each, in a file for one writer of many readers.

    Parameters
    ----------
    path : Path
        Made anew, or continued where it was closed before.
    form : ChunkForm
    span : tuple of int
        The flat positions ``[start, stop)`` that it is for.

    Raises
    ------
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path, form: ChunkForm, span: tuple[int, int]) -> None:
        self.path = path
        self._start = span[0]
        self._origin = (0,) * len(form.sig_shape)
        if not path.exists():
            _create(path, form, span)
        self._file = h5py.File(path, "r+", libver="latest")
        try:
            self._frames = self._file[FRAMES]
            self._write_chunk = self._frames.id.write_direct_chunk
            self._time = self._file[TIME]
            self._times = self._time[()]
            self._touched = [len(self._times), 0]  # stretch of times that is not written yet
            self._file.swmr_mode = True
        except BaseException:
            self._file.close()
            raise

    def write(self, position: int, data: bytes | memoryview, filter_mask: int, time: float) -> None:
        """Write one frame.

        Parameters
        ----------
        position : int
            Its flat position in the scan.
        data : bytes or memoryview
            The chunk.
        filter_mask : int
            1 where the filter of the dataset was not applied to it.
        time : float
            When it was there, at the latest [s since the epoch].

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone.
        """
        row = position - self._start
        self._write_chunk((row, *self._origin), data, filter_mask)
        self._times[row] = time
        if row < self._touched[0]:
            self._touched[0] = row
        if row >= self._touched[1]:
            self._touched[1] = row + 1

    def flush(self) -> None:
        """Have everything that was written survive us: it is the kernel's from then on.

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone.
        """
        low, high = self._touched
        if low < high:
            self._time[low:high] = self._times[low:high]
            self._touched = [len(self._times), 0]
        self._frames.id.flush()
        self._time.id.flush()

    def close(self) -> None:
        """Close it as a file that nobody writes.

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone.
        """
        self._file.close()


def _create(path: Path, form: ChunkForm, span: tuple[int, int]) -> None:
    """Make the file; it is there only once it is whole, whenever we die."""
    part = path.with_name(f".{path.name}.part")
    try:
        with h5py.File(part, "w", libver="latest") as file:
            _lay_out(file, form, span)
        os.replace(part, path)  # noqa: PTH105 - pathlib would only wrap it
    finally:
        part.unlink(missing_ok=True)


def _lay_out(file: h5py.File, form: ChunkForm, span: tuple[int, int]) -> None:
    """Everything a SWMR writer must have made before it may begin."""
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
    space = h5py.h5s.create_simple((count, *form.sig_shape))
    frames = h5py.Dataset(h5py.h5d.create(group.id, b"data", kind, space, form.creation()))
    # as the DECTRIS filewriter counts, from 1
    frames.attrs["image_nr_low"] = start + 1
    frames.attrs["image_nr_high"] = stop
    frames.attrs["units"] = "counts"
    time = group.create_dataset(
        "time", shape=(count,), dtype="f8", chunks=(min(count, 8192),), fillvalue=np.nan
    )
    time.attrs["units"] = "s"
    time.attrs["long_name"] = "when the frame was there, at the latest, since 1970-01-01 UTC"
