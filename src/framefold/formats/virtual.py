"""Virtual datasets: frames taken from their sources directly where those are whole stretches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.formats.files import Segment
from framefold.formats.layout import Layout, Subject, moved

Read = Callable[[h5py.Dataset], Layout]
"""Finds out how a source dataset is best read."""

ReadWhole = Callable[[Subject, NDArray[np.bool_], str], Layout]
"""Leaves the virtual dataset to the library: subject, frames that are there, a word for it."""


def through_sources(subject: Subject, read: Read, read_whole: ReadWhole) -> Layout:
    """Read a virtual dataset from the files it is made of.

    Parameters
    ----------
    subject : Subject
        The virtual dataset.
    read : callable
        For each source.
    read_whole : callable
        For a dataset whose sources are not whole stretches of its first axis.

    Returns
    -------
    Layout
        Frames of missing sources are left out: the library would invent them.
    """
    segments: list[Segment] = []
    missing: list[str] = []
    problems: list[str] = []
    parts: list[Layout] = []
    for source in subject.dataset.virtual_sources():
        path, why = subject.links.find(subject.identity, source.file_name)
        if path is None:
            missing.append(source.file_name)
            problems.append(f"linked file {source.file_name} {why}")
            continue
        part = _part(subject, source, path, read)
        if part is None:
            return _whole(subject, read_whole)
        parts.append(part[0])
        segments += part[1]
    segments.sort(key=lambda segment: segment.number)
    if any(a.number + a.count > b.number for a, b in itertools.pairwise(segments)):
        return _whole(subject, read_whole)
    problems += [problem for part in parts for problem in part.problems]
    if not problems:
        problems += subject.lacking(sum(segment.count for segment in segments))
    return subject.layout(
        tuple(segments),
        "+".join(sorted({part.codec for part in parts})) or "unknown",
        step=max((part.step for part in parts), default=1),
        missing_files=(*missing, *(name for part in parts for name in part.missing_files)),
        problems=tuple(problems),
    )


def _part(
    subject: Subject, source: Any, path: str, read: Read
) -> tuple[Layout, list[Segment]] | None:
    """The frames of one source at their places; None if it is no whole stretch."""
    target = _rows(source.vspace, subject.dataset.shape)
    with h5py.File(path, "r") as file:
        inner = subject.links.item(file, source.dset_name)
        if not isinstance(inner, h5py.Dataset):
            raise DataError(f"{path} has no dataset {source.dset_name}")
        origin = _rows(source.src_space, inner.shape)
        same = inner.shape[1:] == subject.dataset.shape[1:] and inner.dtype == subject.dtype
        if target is None or origin is None or not same:
            return None
        layout = read(inner)
    # nothing but the first axis differs, so a row of either holds as many frames
    each = subject.frames // subject.dataset.shape[0]
    low = origin[0] * each
    high = min(origin[1], origin[0] + target[1] - target[0]) * each
    return layout, moved(layout.segments, target[0] * each - low, low, high)


def _whole(subject: Subject, read_whole: ReadWhole) -> Layout:
    present = np.ones(subject.dataset.shape[0], dtype=bool)
    missing: list[str] = []
    problems: list[str] = []
    for source in subject.dataset.virtual_sources():
        # the library will open just the file that is named
        path, why = subject.links.find(subject.identity, source.file_name, exact=True)
        if path is None:
            low, high = source.vspace.get_select_bounds()
            present[int(low[0]) : int(high[0]) + 1] = False
            missing.append(source.file_name)
            problems.append(f"linked file {source.file_name} {why}")
    each = subject.frames // subject.dataset.shape[0]
    found = read_whole(subject, np.repeat(present, each), "virtual")
    said = tuple(problems) or found.problems
    return replace(found, missing_files=tuple(missing), problems=said)


def _rows(space: Any, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The stretch along the first axis that a selection takes whole, or None."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return 0, shape[0]
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS:
        return None
    low, high = space.get_select_bounds()
    inner = all(a == 0 and b == n - 1 for a, b, n in zip(low[1:], high[1:], shape[1:], strict=True))
    stretch = int(high[0]) - int(low[0]) + 1
    if not inner or space.get_select_npoints() != stretch * math.prod(shape[1:]):
        return None
    return int(low[0]), int(high[0]) + 1
