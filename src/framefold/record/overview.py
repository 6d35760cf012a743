"""All frames of a recording as one array, the scan's axes first, over the files they lie in."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from framefold.formats import recording_names as names
from framefold.formats.library import slabs
from framefold.record.plan import Plan
from framefold.record.story import Story

_AXES = ("y", "x")


def write_overview(group: h5py.Group, plan: Plan, nav_shape: tuple[int, ...], story: Story) -> None:
    """Write the virtual datasets ``data`` and ``time``, the map ``present``, and the axes.

    Parameters
    ----------
    group : h5py.Group
        The NXdata group of a master file.
    plan : Plan
    nav_shape : tuple of int
    story : Story
        Without files there is nothing to show.

    Raises
    ------
    OSError
        If a data file cannot be read.
    """
    if not story.files:
        return
    with h5py.File(plan.data_file(story.files[0]), "r") as first:
        sig_shape, dtype = first[names.FRAMES].shape[1:], first[names.FRAMES].dtype
    for name in ("data", "time", "present"):
        if name in group:
            del group[name]
    _virtual(group, "data", plan, story, (nav_shape, sig_shape), dtype)
    _virtual(group, "time", plan, story, (nav_shape, ()), np.dtype("f8"))
    group["data"].attrs["units"] = "counts"
    group["time"].attrs["units"] = "s"
    group.attrs["signal"] = "data"
    if story.present is not None:
        present = story.present.reshape(nav_shape)
        group.create_dataset("present", data=present, compression="gzip", shuffle=True)
        group["present"].attrs["long_name"] = "1 where there is a frame"
    _write_axes(group, nav_shape, sig_shape)


def _virtual(
    group: h5py.Group,
    name: str,
    plan: Plan,
    story: Story,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    dtype: np.dtype[Any],
) -> None:
    """One array over all data files."""
    nav, sig = shapes
    layout = h5py.VirtualLayout((*nav, *sig), dtype)
    for number in story.files:
        start, stop = plan.span(number)
        count, done = stop - start, 0
        path = plan.data_file(number).name
        source = h5py.VirtualSource(path, f"{names.DATA_GROUP}/{name}", (count, *sig), dtype)
        for box in slabs(nav, start, count):
            size = int(np.prod([part.stop - part.start for part in box]))
            layout[box] = source[done : done + size]
            done += size
    fill = np.nan if name == "time" else 0
    group.create_virtual_dataset(name, layout, fillvalue=fill)


def _write_axes(group: h5py.Group, nav: tuple[int, ...], sig: tuple[int, ...]) -> None:
    leading = [f"scan_{i}" for i in range(len(nav) - 2)]
    scan = [*leading, *(f"scan_{axis}" for axis in _AXES)][-len(nav) :]
    frame = [f"detector_{axis}" for axis in _AXES][-len(sig) :]
    group.attrs["axes"] = [*scan, *frame]
    for i, (name, length) in enumerate(zip([*scan, *frame], (*nav, *sig), strict=True)):
        if name not in group:
            group[name] = np.arange(length)
        group[name].attrs["units"] = "pixel" if name in frame else "position"
        group.attrs[f"{name}_indices"] = i
