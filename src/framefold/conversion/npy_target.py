"""A recording as one ``.npy`` file of the scan's shape."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import write_array_header_2_0
from numpy.typing import NDArray

from framefold.conversion.decoding import Decoding, Told, Written
from framefold.conversion.facts import what_is_lost
from framefold.formats import FileDataSet


def write_npy(data_set: FileDataSet, path: Path, workers: int, told: Told) -> Written:
    """Write all frames; positions without one are zero, and so are masked pixels.

    Parameters
    ----------
    data_set : FileDataSet
        The recording.
    path : Path
        The new file.
    workers : int
        Threads that decode.
    told : callable
        Told of progress.

    Raises
    ------
    DataError
        If the recording cannot be read.
    OSError
        If the file cannot be written.
    """
    acquisition = data_set.acquisition
    frame_bytes = acquisition.frame_bytes
    shape = (*acquisition.nav_shape, *acquisition.sig_shape)
    with path.open("wb") as file:
        described = {
            "descr": np.lib.format.dtype_to_descr(acquisition.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        write_array_header_2_0(file, described)
        start = file.tell()
        file.truncate(start + acquisition.scan.size * frame_bytes)
        descriptor = file.fileno()

        def write(positions: NDArray[np.int64], frames: NDArray[Any]) -> None:
            cuts = np.flatnonzero(np.diff(positions) != 1) + 1
            parts = np.split(np.ascontiguousarray(frames), cuts)
            for first, part in zip(positions[np.r_[0, cuts]].tolist(), parts, strict=True):
                _write_all(descriptor, part, start + first * frame_bytes)

        written = Decoding(data_set, blank=True).run(write, workers, told)
    return Written(0, written.decoded, written.damaged, what_is_lost(data_set, written))


def _write_all(descriptor: int, part: NDArray[Any], offset: int) -> None:
    content = part.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(content):
        # the kernel takes at most 2 GiB at a time
        done += os.pwrite(descriptor, content[done:], offset + done)
