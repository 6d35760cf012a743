"""Finish recordings whose writer died: what was safe is there, only the files look unfinished."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.formats import recording_names as names
from framefold.formats.library import hdf5_errors
from framefold.record.dead_writer import close_for_dead_writer
from framefold.record.master import finish_master
from framefold.record.plan import MASTER_ENDING, Plan
from framefold.record.story import Story


def repair(
    master: str | os.PathLike[str],
    reason: str = "whoever recorded it died",
    state: str = names.INTERRUPTED,
) -> int | None:
    """Finish a recording; harmless for one that is finished.

    Parameters
    ----------
    master : path-like
        Its master file. Nobody may be recording it.
    reason : str
        Why it was not finished, for its readers.
    state : str
        What to call that.

    Returns
    -------
    int or None
        How many frames there are [frames]; None if there was nothing to do.

    Raises
    ------
    DataError
        If it is no recording of ours, or its files cannot be written.
    """
    path = Path(master)
    plan, nav_shape, known = _plan_of(path)
    files = tuple(n for n in range(plan.files) if plan.data_file(n).exists())
    mended = [close_for_dead_writer(plan.data_file(number)) for number in files]
    if known != names.RECORDING and not any(mended):
        return None
    with hdf5_errors(str(path)):
        present = np.zeros(plan.positions, np.uint8)
        for number in files:
            _look(plan.data_file(number), present, plan.span(number)[0])
        told = (state, reason) if known == names.RECORDING else _told(path)
        story = Story(*told, ended=time.time(), files=files, present=present)
        finish_master(plan, nav_shape, story)
    return int(np.count_nonzero(present))


def _look(path: Path, present: NDArray[np.uint8], start: int) -> None:
    """Mark the positions whose frame is in a data file that begins with some position."""

    def note(chunk: Any) -> None:
        present[start + chunk.chunk_offset[0]] = 1

    with h5py.File(path, "r") as file:
        file[names.FRAMES].id.chunk_iter(note)


def _told(path: Path) -> tuple[str, str]:
    with h5py.File(path, "r") as file:
        ours = file[names.OURS].attrs
        return str(ours[names.STATE]), str(ours[names.REASON])


def _plan_of(path: Path) -> tuple[Plan, tuple[int, ...], str]:
    if not path.name.endswith(MASTER_ENDING):
        raise DataError(f"{path} is not the master file of a recording: its name ends otherwise")
    with hdf5_errors(str(path)), h5py.File(path, "r") as file:
        if names.FACTS not in file:
            raise DataError(f"{path} is not the master file of one of framefold's recordings")
        facts = json.loads(file[names.FACTS][()])
        nav_shape = tuple(int(n) for n in facts["nav_shape"])
        per_file = int(facts["frames_per_file"])
        state = str(file[names.OURS].attrs[names.STATE])
    size = int(np.prod(nav_shape, dtype=np.int64))
    if min(per_file, size) < 1:
        raise DataError(f"{path} describes no frames")
    return (
        Plan(path.parent, path.name.removesuffix(MASTER_ENDING), size, per_file),
        nav_shape,
        state,
    )
