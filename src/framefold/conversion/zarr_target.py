"""A recording as a Zarr array, version 3, by way of the zarr package."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.conversion.decoding import Decoding, Told, Written
from framefold.conversion.facts import plain_metadata, what_is_lost
from framefold.errors import DataError
from framefold.formats import FileDataSet
from framefold.formats.extras import extra
from framefold.representations.written_whole import refused

_CHUNK_BYTES = 4 << 20
"""Decoded bytes of a chunk: large enough for a file of its own."""


def write_zarr(data_set: FileDataSet, folder: Path, workers: int, told: Told) -> Written:
    """Write all frames, a part of a scan line a chunk, compressed with Zstandard.

    Parameters
    ----------
    data_set : FileDataSet
        The recording.
    folder : Path
        The new folder, empty.
    workers : int
        Threads that decode and compress.
    told : callable
        Told of progress.

    Raises
    ------
    DataError
        If the zarr package is not installed, or the recording cannot be read.
    """
    zarr = extra("zarr", "zarr", str(folder))
    acquisition = data_set.acquisition
    nav, sig = acquisition.nav_shape, acquisition.sig_shape
    most = max(1, min(nav[-1], _CHUNK_BYTES // max(1, acquisition.frame_bytes)))
    # pieces must be whole chunks, and lines whole pieces
    depth = next(n for n in range(most, 0, -1) if nav[-1] % n == 0)
    if depth < most // 4:  # a file for every few frames is worse than a large one
        depth = nav[-1]
    array = zarr.create_array(
        folder,
        shape=(*nav, *sig),
        dtype=acquisition.dtype,
        chunks=(*(1 for _ in nav[1:]), depth, *sig),
        fill_value=0,
        overwrite=True,
        dimension_names=[f"scan_{i}" for i in range(len(nav))]
        + [f"detector_{i}" for i in range(len(sig))],
        attributes=plain_metadata(data_set),
    )

    def write(positions: NDArray[np.int64], frames: NDArray[Any]) -> None:
        groups = positions // depth
        cuts = np.flatnonzero(np.diff(groups)) + 1
        places = np.split(positions, cuts)
        for place, part in zip(places, np.split(frames, cuts), strict=True):
            *line, column = np.unravel_index(int(place[0]) // depth * depth, nav)
            chunk = np.zeros((depth, *sig), acquisition.dtype)
            chunk[place % depth] = part
            array[(*line, slice(int(column), int(column) + depth))] = chunk

    written = Decoding(data_set, unit=depth, blank=True).run(write, workers, told)
    return Written(0, written.decoded, written.damaged, what_is_lost(data_set, written))


def free_folder(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Where a new folder may go.

    Raises
    ------
    DataError
        If there is something else in its place, or no folder to put it into.
    """
    target = Path(path).absolute()
    if target.exists() and not overwrite:
        raise DataError(f"{target} exists already; choose another name or allow overwriting")
    if target.exists() and not (target / "zarr.json").is_file():
        raise DataError(f"{target} is no Zarr array and is not replaced; choose another name")
    if not target.parent.is_dir():
        raise DataError(f"{target} cannot be written: the folder {target.parent} does not exist")
    return target


@contextlib.contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """A new folder beside the target, put in its place at the end if all went well."""
    try:
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise refused(target, error) from error
    try:
        inside = fresh / target.name
        yield inside
        if target.exists():
            target.rename(fresh / "replaced")
        inside.rename(target)
    except DataError:  # of what was read on the way
        raise
    except OSError as error:
        raise refused(target, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
