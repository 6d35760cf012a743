"""FrameStore: encoded frames into data files, and how many of them are safe."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.encoding import Encoding
from framefold.record.chunk_form import ChunkForm
from framefold.record.data_file import DataFile
from framefold.record.disk_pace import DiskPace
from framefold.record.plan import Plan

_OPEN_FILES = 8
"""Data files kept open; frames out of order may go back and forth between some."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a store has taken so far.

    Parameters
    ----------
    frames : int
        Frames written [frames].
    safe : int
        Of these, frames that outlive the process: they were flushed [frames].
    nbytes : int
        Their lengths in the files [bytes].
    unkept : int
        Frames that no file could hold as they were [frames].
    """

    frames: int = 0
    safe: int = 0
    nbytes: int = 0
    unkept: int = 0


class FrameStore:
    """Writes the frames of one acquisition.

    Parameters
    ----------
    plan : Plan
    dtype : numpy.dtype
        Pixel type.
    sig_shape : tuple of int
        Rows and columns [pixels].
    """

    def __init__(self, plan: Plan, dtype: np.dtype[Any], sig_shape: tuple[int, ...]) -> None:
        self._plan = plan
        self._dtype = dtype
        self._sig_shape = sig_shape
        self.form: ChunkForm | None = None
        """How frames are kept; known with the first one."""
        self.present: NDArray[np.uint8] = np.zeros(plan.positions, np.uint8)
        """1 at the positions whose frame was written."""
        self._pace = DiskPace()
        self._files: OrderedDict[int, DataFile] = OrderedDict()  # the last one used last
        self._made: set[int] = set()
        self._dirty: set[int] = set()
        self._frames = self._safe = self._nbytes = self._unkept = 0

    @property
    def written(self) -> Written:
        """What was taken so far."""
        return Written(self._frames, self._safe, self._nbytes, self._unkept)

    @property
    def files(self) -> tuple[int, ...]:
        """Numbers of the data files there are, ascending."""
        return tuple(sorted(self._made))

    def write(self, position: int, payload: memoryview, encoding: Encoding, time: float) -> None:
        """Write one frame.

        Parameters
        ----------
        position : int
            Its flat position in the scan.
        payload : memoryview
            The frame as it came.
        encoding : Encoding
            How it was made.
        time : float
            When it was there, at the latest [s since the epoch].

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone.
        """
        self.write_many([(position, payload, encoding)], time)

    def write_many(self, frames: Iterable[tuple[int, memoryview, Encoding]], time: float) -> None:
        """Write frames, as `write` does: position, frame and encoding of each.

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone.
        """
        low = high = 0  # the positions of the file at hand
        file: DataFile | None = None
        kept: Encoding | None = None  # the encoding at hand, if its frames are chunks as they are
        try:
            for position, payload, encoding in frames:
                if file is None or encoding != kept or not (low <= position < high) or not payload:
                    # the long way, and what it finds out is good for the frames that follow
                    self._take(position, payload, encoding, time)
                    number = self._plan.file_of(position)
                    low, high = self._plan.span(number)
                    file = self._files.get(number)
                    kept = encoding if self.form is not None and self.form.keeps(encoding) else None
                    continue
                file.write(position, payload, 0, time)
        finally:
            # now or never: the frames' memory is somebody else's afterwards
            self._put()

    def _take(self, position: int, payload: memoryview, encoding: Encoding, time: float) -> None:
        """Have a file take a frame, if one can hold it."""
        if self.form is None:
            self.form = ChunkForm.of(encoding, self._dtype, self._sig_shape)
        chunk = self.form.chunk(payload, encoding)
        if chunk is None:
            self._unkept += 1
            return
        number = self._plan.file_of(position)
        self._file(number, self.form).write(position, chunk.data, chunk.filter_mask, time)
        self._dirty.add(number)

    def _put(self) -> None:
        """Have all files write what they took; each tries, whatever becomes of the others."""
        failed: OSError | None = None
        for number in sorted(self._dirty):
            try:
                self._put_one(self._files[number])
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _put_one(self, file: DataFile) -> None:
        positions, nbytes = file.put()
        self.present[positions] = 1
        self._frames += len(positions)
        self._nbytes += nbytes

    def _file(self, number: int, form: ChunkForm) -> DataFile:
        found = self._files.get(number)
        if found is None:
            while len(self._files) >= _OPEN_FILES:
                oldest, file = self._files.popitem(last=False)
                self._dirty.discard(oldest)
                try:
                    self._put_one(file)
                finally:
                    _finish(file)
            found = DataFile(
                self._plan.data_file(number), form, self._plan.span(number), self._pace
            )
            self._files[number] = found
            self._made.add(number)
        elif len(self._files) > 1:
            self._files.move_to_end(number)
        return found

    def flush(self) -> Written:
        """Have everything outlive the process that was written so far.

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone; what was safe before stays so.
        """
        for number in sorted(self._dirty):
            self._files[number].flush()
        self._dirty.clear()
        self._safe = self._frames
        return self.written

    def close(self) -> None:
        """Flush and close all files.

        Raises
        ------
        OSError, RuntimeError
            If the disk is full, or gone; all files are closed as far as that goes.
        """
        failed: OSError | RuntimeError | None = None
        while self._files:
            _, file = self._files.popitem()
            try:
                _finish(file)
            except (OSError, RuntimeError) as error:
                failed = failed or error
        self._dirty.clear()
        if failed is not None:
            raise failed
        self._safe = self._frames


def _finish(file: DataFile) -> None:
    try:
        file.flush()
    finally:
        file.close()
