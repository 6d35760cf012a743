"""Write the frames of a data set to another file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from tqdm.auto import tqdm

from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan, DataSet
from framefold.errors import DataError, ParameterError

_BYTES = 64 << 20  # decoded at a time: large enough to write at full speed


def export_npy(
    dataset: DataSet, path: str | os.PathLike[str], *, progress: bool = False, overwrite: bool
) -> None:
    """Write all frames into one ``.npy`` file of the scan's shape; what is missing is zero.

    Parameters
    ----------
    dataset : DataSet
    path : path-like
        Must end in ``.npy``.
    progress : bool
        Whether to show a bar.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ParameterError
        If the suffix is another one; a ValueError.
    FileExistsError
        If there is such a file already.
    DataError
        If frames are damaged.
    """
    target = Path(path)
    if target.suffix.lower() != ".npy":
        raise ParameterError(f"{target}: only .npy can be written, not {target.suffix or 'that'!r}")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists; give overwrite=True to replace it")
    acquisition = dataset.acquisition
    sig = acquisition.sig_shape
    depth = max(1, _BYTES // max(1, acquisition.frame_bytes))
    scratch = np.empty((depth, *sig), dtype=acquisition.dtype)
    out = open_memmap(
        target, mode="w+", dtype=acquisition.dtype, shape=(*acquisition.nav_shape, *sig)
    )
    flat = out.reshape(acquisition.scan.size, *sig)
    reader = dataset.reader()
    with tqdm(total=acquisition.scan.size, unit="frame", disable=not progress) as bar:
        for block in reader.blocks(BlockPlan()):
            with block.open() as frames:
                for first in range(0, len(frames.positions), depth):
                    rows = np.arange(first, min(first + depth, len(frames.positions)))
                    try:
                        flat[frames.positions[rows]] = frames.read(rows, scratch)
                    except UndecodableFrames as damaged:
                        raise DataError(f"{acquisition.source}: {damaged}") from damaged
                    bar.update(len(rows))
            reader.release(block)
    out.flush()
