"""Small recordings written by the libraries that detectors' writers use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from framefold.core.reader import BlockPlan
from framefold.formats import FileDataSet


def counts(nav: tuple[int, ...], sig: tuple[int, ...], dtype: str = "u2") -> NDArray[Any]:
    """Frames that all differ, with a few large values."""
    rng = np.random.default_rng(7)
    data = rng.poisson(3, (*nav, *sig)).astype(dtype)
    data[..., 0, 0] = np.arange(np.prod(nav)).reshape(nav) % 251
    return data


def delivered(
    data_set: FileDataSet,
    *,
    workers: int = 2,
    selection: NDArray[np.bool_] | None = None,
    rows_at_once: int = 5,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Every frame at its flat position, and how often each position was delivered."""
    acquisition = data_set.acquisition
    frames = np.zeros((acquisition.scan.size, *acquisition.sig_shape), acquisition.dtype)
    times = np.zeros(acquisition.scan.size, dtype=np.int64)
    out = np.empty((rows_at_once, *acquisition.sig_shape), acquisition.dtype)
    for block in data_set.reader().blocks(BlockPlan(workers, selection)):
        with block.open() as opened:
            positions = opened.positions
            assert (np.diff(positions) > 0).all()
            for first in range(0, len(positions), rows_at_once):
                rows = np.arange(first, min(len(positions), first + rows_at_once))
                pixels = opened.read(rows, out)
                assert pixels.shape == (len(rows), *acquisition.sig_shape)
                assert pixels.dtype == acquisition.dtype
                frames[positions[rows]] = pixels
                times[positions[rows]] += 1
    return frames, times


def write_bslz4(path: Path, data: NDArray[Any], name: str = "/entry/data/data") -> Path:
    """One frame a chunk, filter 32008."""
    with h5py.File(path, "w") as file:
        chunk = (1,) * (data.ndim - 2) + data.shape[-2:]
        file.create_dataset(name, data=data, chunks=chunk, **hdf5plugin.Bitshuffle())
    return path


def write_series(
    folder: Path,
    data: NDArray[Any],
    per_file: int,
    *,
    ntrigger: int = 1,
    numbers: bool = True,
    settings: bool = True,
) -> Path:
    """A master and its data files as the older DECTRIS filewriter makes them."""
    master = folder / "scan_master.h5"
    with h5py.File(master, "w") as file:
        group = file.create_group("/entry/data")
        for i, first in enumerate(range(0, len(data), per_file), start=1):
            part = data[first : first + per_file]
            name = f"scan_data_{i:06d}.h5"
            write_bslz4(folder / name, part)
            if numbers:
                with h5py.File(folder / name, "r+") as linked:
                    linked["/entry/data/data"].attrs["image_nr_low"] = np.int32(first + 1)
                    linked["/entry/data/data"].attrs["image_nr_high"] = np.int32(first + len(part))
            group[f"data_{i:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
        if settings:
            specific = file.create_group("/entry/instrument/detector/detectorSpecific")
            specific["ntrigger"] = np.uint32(ntrigger)
            specific["nimages"] = np.uint32(len(data) // ntrigger)
            specific["compression"] = np.bytes_(b"bslz4")
            specific["pixel_mask"] = np.zeros(data.shape[-2:], dtype="u4")
            file["/entry/instrument/detector/description"] = np.bytes_(b"EIGER2 made up")
            file["/entry/instrument/detector/count_time"] = np.float32(0.001)
    return master
