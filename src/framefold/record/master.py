"""The master file of a recording: what was measured, and the way to the frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import h5py
import numpy as np

from framefold.core.acquisition import Acquisition
from framefold.formats import recording_names as names
from framefold.record.detector_facts import as_json, detector_facts
from framefold.record.overview import write_overview
from framefold.record.plan import Plan
from framefold.record.story import Story


def facts_of(acquisition: Acquisition, frames_per_file: int) -> dict[str, object]:
    """What must be known to read a recording again, as plain values."""
    plain = {
        key: value
        for key, value in acquisition.metadata.items()
        if isinstance(value, bool | int | float | str | list | tuple | dict)
    }
    return {
        "id": acquisition.ident,
        "source": acquisition.source,
        "nav_shape": list(acquisition.nav_shape),
        "scan": acquisition.scan.described(),
        "sig_shape": list(acquisition.sig_shape),
        "dtype": np.dtype(acquisition.dtype).name,
        "frames": acquisition.frames,
        "sentinel": acquisition.mask.sentinel,
        "masked": acquisition.mask.masked,
        "frames_per_file": frames_per_file,
        "metadata": plain,
    }


def begin_master(plan: Plan, acquisition: Acquisition, story: Story) -> None:
    """Write the master file of a recording that begins.

    It links all data files there may be. It has no virtual dataset over all frames yet: as long
    as the data files are being written, HDF5 would show zeros in the place of those that it may
    not open, where a link fails aloud.

    Parameters
    ----------
    plan : Plan
    acquisition : Acquisition
    story : Story

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with replaced(plan.master) as part, h5py.File(part, "w", libver="latest") as file:
        write_entry(file, plan.master.name, acquisition)
        write_instrument(file, acquisition)
        group(file, names.OURS, "NXcollection")["acquisition"] = as_json(
            facts_of(acquisition, plan.frames_per_file)
        )
        tell(file, story)
        frames = group(file, names.DATA_GROUP, "NXdata")
        for number in range(plan.files):
            link = h5py.ExternalLink(plan.data_file(number).name, names.FRAMES)
            frames[names.data_name(number)] = link
        frames.attrs["signal"] = names.data_name(0)


def finish_master(plan: Plan, nav_shape: tuple[int, ...], story: Story) -> None:
    """Have the master file of a recording that is over show all frames as one array.

    Parameters
    ----------
    plan : Plan
    nav_shape : tuple of int
    story : Story

    Raises
    ------
    OSError
        If it cannot be written; the old one stays.
    """
    with replaced(plan.master) as part:
        part.write_bytes(plan.master.read_bytes())
        with h5py.File(part, "r+", libver="latest") as file:
            tell(file, story)
            frames = file[names.DATA_GROUP]
            for number in set(range(plan.files)) - set(story.files):
                del frames[names.data_name(number)]
            write_overview(frames, plan, nav_shape, story)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A new file that takes the place of another at the end: there is always a whole one."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)  # noqa: PTH105 - pathlib would only wrap it
    finally:
        part.unlink(missing_ok=True)


def tell(file: h5py.File, story: Story) -> None:
    """Write how it went."""
    ours = file[names.OURS]
    ours.attrs[names.LAYOUT] = names.LAYOUT_NUMBER
    ours.attrs[names.STATE] = story.state
    ours.attrs[names.REASON] = story.reason
    losses = group(file, names.LOSSES, "NXcollection")
    for name, count in story.losses.items():
        losses[name] = count
        losses[name].attrs["units"] = "messages" if name == "corrupt" else "frames"
    entry = file[names.ENTRY]
    if story.started and "start_time" not in entry:
        entry["start_time"] = _date(story.started)
    if story.ended:
        entry["end_time"] = _date(story.ended)


def write_entry(file: h5py.File, name: str, acquisition: Acquisition) -> None:
    """The entry, and where readers find its data."""
    file.attrs["default"] = "entry"
    file.attrs["creator"] = "framefold"
    file.attrs["file_name"] = name
    entry = group(file, names.ENTRY, "NXentry")
    entry.attrs["default"] = "data"
    entry["title"] = acquisition.ident
    entry["program_name"] = "framefold"
    entry["program_name"].attrs["version"] = _version()


def write_instrument(file: h5py.File, acquisition: Acquisition) -> None:
    """What the detector said of itself, and its pixel mask, under NeXus' names."""
    group(file, f"{names.ENTRY}/instrument", "NXinstrument")
    group(file, f"{names.ENTRY}/instrument/beam", "NXbeam")
    detector = group(file, names.DETECTOR, "NXdetector")
    group(file, names.SPECIFIC, "NXcollection")
    detector["data"] = h5py.SoftLink(names.FRAMES)
    for fact in detector_facts(acquisition.metadata, acquisition.sig_shape):
        place = f"{names.ENTRY}/instrument/{fact.place}"
        file[place] = fact.value
        if fact.units:
            file[place].attrs["units"] = fact.units
    excluded = acquisition.mask.excluded
    if excluded is not None and names.PIXEL_MASK not in file:
        file[names.PIXEL_MASK] = excluded.astype(np.uint32)


def group(file: h5py.File, path: str, kind: str) -> h5py.Group:
    """A group of some NeXus class, made where there is none."""
    made = file.require_group(path)
    made.attrs["NX_class"] = kind
    return made


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def _version() -> str:
    try:
        return version("framefold")
    except PackageNotFoundError:
        return "unknown"  # run from a source tree that was never installed
