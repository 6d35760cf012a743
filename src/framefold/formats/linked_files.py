"""The data files that a DECTRIS master links to, and which frame numbers each of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import h5py

from framefold.errors import DataError
from framefold.formats.files import Segment
from framefold.formats.layout import Layout, moved
from framefold.formats.library import hdf5_errors
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity
from framefold.formats.stored import lay_out


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """One entry ``data_000001`` of a master file.

    Parameters
    ----------
    entry : str
        Name of the entry.
    file_name : str
        The file as the link names it.
    layout : Layout or None
        Its frames; None when it cannot be read.
    low, high : int or None
        Number of its first and last image, counted from 1; None where it does not say.
    problem : str
        Why it cannot be read.
    """

    entry: str
    file_name: str
    layout: Layout | None = None
    low: int | None = None
    high: int | None = None
    problem: str = ""


def linked_files(
    data: h5py.Group, names: Sequence[str], identity: FileIdentity, links: Links
) -> Iterator[LinkedFile]:
    """Look at each linked file in turn.

    Parameters
    ----------
    data : h5py.Group
        The group ``/entry/data`` of the master.
    names : sequence of str
        Its entries ``data_000001`` ... in order.
    identity : FileIdentity
        The master.
    links : Links
        Which links may be followed.
    """
    for name in names:
        link = data.get(name, getlink=True)
        if not isinstance(link, h5py.ExternalLink):
            yield _look(data[name], name, identity.name, links)
            continue
        path, why = links.find(identity, link.filename)
        if path is None:
            yield LinkedFile(name, link.filename, problem=why)
            continue
        try:
            with hdf5_errors(path), h5py.File(path, "r") as file:
                yield _look(links.item(file, link.path), name, link.filename, links)
        except DataError as error:
            yield LinkedFile(name, link.filename, problem=f"cannot be read: {error}")


def _look(item: object, entry: str, file_name: str, links: Links) -> LinkedFile:
    if not isinstance(item, h5py.Dataset) or item.ndim != 3:
        return LinkedFile(entry, file_name, problem="holds no stack of images")
    low, high = (_number(item, name) for name in ("image_nr_low", "image_nr_high"))
    return LinkedFile(entry, file_name, lay_out(item, links), low, high)


def _number(item: h5py.Dataset, name: str) -> int | None:
    try:
        return int(item.attrs[name])
    except (KeyError, TypeError, ValueError):
        return None


def join(files: Iterator[LinkedFile], identity: FileIdentity) -> Layout:
    """All linked files as one series of frames.

    Parameters
    ----------
    files : iterator of LinkedFile
        In the order of their entries.
    identity : FileIdentity
        The master.

    Returns
    -------
    Layout
        One leading axis; numbers of frames in missing files are left out.

    Raises
    ------
    DataError
        If no file can be read.
    """
    found = list(files)
    problems = [f"linked file {f.file_name} ({f.entry}) {f.problem}" for f in found if f.problem]
    missing = tuple(f.file_name for f in found if f.layout is None)
    first = next((f.layout for f in found if f.layout is not None), None)
    if first is None:
        raise DataError(
            f"{identity.path}: none of its {len(found)} linked files can be read: "
            + "; ".join(problems[:4])
        )
    segments: list[Segment] = []
    step, end = 1, 0
    for file, start in zip(found, _starts(found, first.frames, problems), strict=True):
        layout = file.layout
        if layout is None:
            continue
        if layout.sig_shape != first.sig_shape or layout.dtype != first.dtype:
            problems.append(
                f"linked file {file.file_name} holds frames of {layout.sig_shape} {layout.dtype} "
                f"instead of {first.sig_shape} {first.dtype} and is left out"
            )
            continue
        if start < end:
            problems.append(
                f"linked file {file.file_name} repeats image numbers of the one before it and "
                "is left out"
            )
            continue
        segments += moved(layout.segments, start, 0, layout.frames)
        problems += layout.problems
        step = max(step, layout.step)
        end = start + layout.frames
    codecs = sorted({f.layout.codec for f in found if f.layout is not None})
    return Layout(
        (max(end, 1),),
        first.sig_shape,
        first.dtype,
        tuple(segments),
        "+".join(codecs),
        step=step,
        missing_files=missing,
        problems=tuple(problems),
    )


def _starts(files: list[LinkedFile], usual: int, problems: list[str]) -> list[int]:
    """Frame number at which each file starts, from 0.

    All files of a series but the last hold equally many frames, so a file that is missing or
    does not say its numbers starts where the one before it ends.
    """
    base = files[0].low if files[0].low is not None else 1
    starts, expected = [], 0
    for file in files:
        start = expected if file.low is None else file.low - base
        if start < 0:
            problems.append(
                f"linked file {file.file_name} starts with image {file.low}, before the first "
                f"one ({base}); its place is taken from its name instead"
            )
            start = expected
        starts.append(start)
        frames = usual if file.layout is None else file.layout.frames
        if None not in (file.low, file.high) and file.high - file.low + 1 != frames:  # type: ignore[operator]  # neither is None
            problems.append(
                f"linked file {file.file_name} holds {frames} frames but claims the images "
                f"{file.low} to {file.high}"
            )
        expected = start + frames
    return starts
