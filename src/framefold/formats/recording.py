"""HDF5 as framefold records it: a master file, and data files with frames at their positions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from framefold.core.pixel_mask import PixelMask, checked_masked
from framefold.errors import DataError
from framefold.formats import recording_names as names
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.hdf5 import plain
from framefold.formats.hdf5 import understands as has_signature
from framefold.formats.hdf5_masks import kept_mask
from framefold.formats.layout import Layout, moved
from framefold.formats.library import hdf5_errors
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request, is_pixel_type
from framefold.formats.stack import Stack
from framefold.formats.stored import lay_out
from framefold.formats.unfinished import Unfinished

SUMMARY = "HDF5 as framefold records it (name the master file)"

_SWMR_FLAGS = 0b101
"""Open for writing, and by a single writer of many readers."""

_UNFINISHED = (
    "it is still being recorded, or whoever recorded it died (`framefold repair` finishes it)"
)


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file is the master file of one of our recordings.

    Raises
    ------
    DataError
        If it is HDF5, but damaged.
    """
    if has_signature(path) is None:
        return None
    name = os.fspath(path)
    with hdf5_errors(name), h5py.File(name, "r") as file:
        return _why(file)


def _why(file: h5py.File) -> str | None:
    ours = file.get(names.OURS)
    if not isinstance(ours, h5py.Group) or names.LAYOUT not in ours.attrs:
        return None
    return f"HDF5 with {names.OURS}: recorded by framefold"


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    follow_links: bool = False,
    masked: str | None = None,
) -> FileDataSet:
    """A recording as a data set; its frames are numbered by their positions.

    Parameters
    ----------
    path : path-like
        The master file.
    request : Request
        What the user said; everything may be left out.
    follow_links : bool
        Whether to follow links to data files outside the folder of the master, too.
    masked : {"zero", "repair", "raw"} or None
        What stands in the place of pixels that the detector's mask excludes, or that hold the
        value which means none; None for what was done while recording.

    Raises
    ------
    DataError
        If the file is damaged or has no frames.
    """
    identity = FileIdentity.of(path)
    links = Links.of(identity, follow_links)
    with hdf5_errors(identity.path), h5py.File(identity.path, "r") as file:
        why = _why(file)
        if why is None:
            raise DataError(f"{identity.path} is no recording of framefold's: no {names.OURS}")
        facts = _facts(file, identity)
        told = file[names.OURS].attrs
        state, reason = str(told.get(names.STATE, "")), str(told.get(names.REASON, ""))
        sig_shape, dtype = _frame_of(facts, identity)
        excluded, troubles = kept_mask(file, [names.PIXEL_MASK], sig_shape, links)
        group = file[names.DATA_GROUP]
        listed = sorted(name for name in group if name.startswith("data_"))
        targets = [group.get(name, getlink=True) for name in listed]
    growing = state == names.RECORDING
    frames = _Frames(identity, links, sig_shape, dtype, growing=growing)
    for target in targets:
        frames.add(target)
    if not targets:  # a converted recording: one file
        frames.add_own()
    problems = [*frames.problems, *troubles]
    if growing or frames.unfinished:
        problems.insert(0, _UNFINISHED)
    elif state != names.COMPLETE:
        problems.insert(0, f"recording {state}: {reason}")
    nav_shape = tuple(int(n) for n in _listed(facts, "nav_shape"))
    sentinel = facts.get("sentinel")
    mask = PixelMask(
        excluded,
        sentinel if isinstance(sentinel, int) else None,
        checked_masked(masked or facts.get("masked", "zero")),
    )
    return Stack(
        identity,
        "recording",
        why,
        sig_shape,
        frames.dtype or dtype,
        tuple(frames.segments),
        int(np.prod(nav_shape, dtype=np.int64)),
        nav_shape=nav_shape,
        nav_reason="as it was recorded",
        codec="+".join(sorted(frames.codecs)) or "raw",
        step=frames.step,
        problems=tuple(problems),
        missing_files=tuple(frames.missing),
        metadata=_metadata(facts),
        mask=mask,
    ).data_set(request)


class _Frames:
    """The frames of all data files, gathered one file after another."""

    def __init__(
        self,
        identity: FileIdentity,
        links: Links,
        sig_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        growing: bool,
    ) -> None:
        self._identity = identity
        self._links = links
        self._sig_shape = sig_shape
        self._expected = dtype
        self._growing = growing
        self.dtype: np.dtype[Any] | None = None  # byte order included
        self.segments: list[Segment] = []
        self.codecs: set[str] = set()
        self.problems: list[str] = []
        self.missing: list[str] = []
        self.unfinished = False
        self.step = 1

    def add(self, link: object) -> None:
        """Take the frames of the file that an entry of the master leads to."""
        if not isinstance(link, h5py.ExternalLink):
            return
        path, why = self._links.find(self._identity, link.filename)
        if path is None:
            # while it grows, files that no frame has reached yet are linked already
            if not self._growing:
                self.missing.append(link.filename)
                self.problems.append(f"linked file {link.filename} {why}")
            return
        try:
            with hdf5_errors(path), self._opened(path) as file:
                dataset = file[names.FRAMES]
                found = lay_out(dataset, self._links, path=path)
                start = int(dataset.attrs["image_nr_low"]) - 1
        except DataError as error:
            self.missing.append(link.filename)
            self.problems.append(f"linked file {link.filename} cannot be read: {error}")
            return
        self._take(found, start, link.filename)

    def add_own(self) -> None:
        """Take the frames of the master itself."""
        with hdf5_errors(self._identity.path), h5py.File(self._identity.path, "r") as file:
            dataset = file.get(names.FRAMES)
            if isinstance(dataset, h5py.Dataset) and not dataset.is_virtual:
                found = lay_out(dataset, self._links, sig_dims=len(self._sig_shape))
                self._take(found, 0, names.FRAMES)

    @contextmanager
    def _opened(self, path: str) -> Iterator[h5py.File]:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(h5py.File(path, "r"))
            except OSError:
                # one that is still being written, or whose writer died; others are damaged
                if not _is_growing(path):
                    raise
                self.unfinished = True
                file = stack.enter_context(h5py.File(stack.enter_context(Unfinished(path)), "r"))
            yield file

    def _take(self, found: Layout, start: int, name: str) -> None:
        known = self.dtype or self._expected.newbyteorder(found.dtype.byteorder)
        end = self.segments[-1].number + self.segments[-1].count if self.segments else 0
        if found.sig_shape != self._sig_shape or found.dtype != known or start < end:
            self.problems.append(
                f"linked file {name} holds frames of {found.sig_shape} {found.dtype} from position "
                f"{start} on, which do not go with the others; it is left out"
            )
            return
        self.dtype = found.dtype
        self.segments += moved(found.segments, start, 0, found.frames)
        self.codecs.add(found.codec)
        self.step = max(self.step, found.step)


def _is_growing(path: str) -> bool:
    """Whether a file says that somebody writes it while others read (SWMR).

    Notes
    -----
    HDF5 File Format Specification 3.0, section II.A: version of the superblock at byte 8, flags
    of its versions 2 and 3 at byte 11.
    """
    with Path(path).open("rb") as file:
        start = file.read(12)
    return len(start) == 12 and start[8] in (2, 3) and start[11] == _SWMR_FLAGS


def _facts(file: h5py.File, identity: FileIdentity) -> dict[str, object]:
    number = int(file[names.OURS].attrs[names.LAYOUT])
    if number > names.LAYOUT_NUMBER:
        raise DataError(
            f"{identity.path} was written by a newer framefold (layout {number}, this one knows "
            f"{names.LAYOUT_NUMBER}); update it"
        )
    try:
        facts = json.loads(str(plain(file[names.FACTS][()])))
    except ValueError as error:
        raise DataError(f"{identity.path}:{names.FACTS} is no JSON: {error}") from error
    if not isinstance(facts, dict):
        raise DataError(f"{identity.path}:{names.FACTS} does not describe an acquisition")
    return facts


def _frame_of(
    facts: dict[str, object], identity: FileIdentity
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        dtype = np.dtype(str(facts["dtype"]))
        shape = tuple(int(n) for n in _listed(facts, "sig_shape"))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{identity.path}:{names.FACTS} tells no frames: {error}") from error
    if not is_pixel_type(dtype):
        raise DataError(f"{identity.path} has frames of {dtype}, which is no pixel type")
    return shape, dtype


def _listed(facts: dict[str, object], key: str) -> list[Any]:
    found = facts.get(key)
    if not isinstance(found, list) or not found:
        raise DataError(f"a recording without {key} in {names.FACTS}")
    return found


def _metadata(facts: dict[str, object]) -> dict[str, object]:
    told = facts.get("metadata")
    metadata = dict(told) if isinstance(told, dict) else {}
    for key in ("id", "source", "scan"):
        metadata[f"recorded_{key}"] = facts.get(key)
    return metadata
