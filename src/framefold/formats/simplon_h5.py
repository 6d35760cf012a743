"""DECTRIS filewriter HDF5: a master with linked data files, a data file alone, or the 4-D form."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass, replace

import h5py
import numpy as np

from framefold.core.pixel_mask import PixelMask, checked_masked, largest
from framefold.errors import DataError, ParameterError, UnknownNameError
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.hdf5 import data_set, plain
from framefold.formats.hdf5 import understands as has_signature
from framefold.formats.hdf5_masks import kept_mask
from framefold.formats.layout import Layout, moved
from framefold.formats.library import hdf5_errors
from framefold.formats.linked_files import join, linked_files
from framefold.formats.links import Links
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.shapes import MAX_FRAMES
from framefold.formats.stored import lay_out

SUMMARY = "DECTRIS filewriter HDF5 (name the master file)"

_DATA = "/entry/data"
_DETECTOR = "/entry/instrument/detector"
_SPECIFIC = f"{_DETECTOR}/detectorSpecific"
_NUMBERED = re.compile(r"data_(\d+)")
_METADATA_GROUPS = (
    _DETECTOR,
    _SPECIFIC,
    f"{_DETECTOR}/geometry/translation",
    "/entry/instrument/beam",
    "/entry/sample/goniometer",
)
_MOST_ENTRIES = 500
"""Entries of a group looked at; real ones have fewer than 100."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file is HDF5 laid out as the DECTRIS filewriter does it.

    Raises
    ------
    DataError
        If it is HDF5, but damaged.

    Notes
    -----
    Layout: DECTRIS SIMPLON API reference, "File writer"; github.com/dectris/documentation,
    filewriter/hdf5_nexus.
    """
    if has_signature(path) is None:
        return None
    name = os.fspath(path)
    with hdf5_errors(name), h5py.File(name, "r") as file:
        return _why(file)


def _why(file: h5py.File) -> str | None:
    data = file.get(_DATA)
    if not isinstance(data, h5py.Group):
        return None
    links = [name for name in data if _NUMBERED.fullmatch(name)]
    if links:
        return f"HDF5 with {_DATA}/{links[0]} and {len(links)} such entries: a DECTRIS master file"
    frames = data.get("data")
    if not isinstance(frames, h5py.Dataset):
        return None
    if "image_nr_low" in frames.attrs:
        return f"HDF5 whose {_DATA}/data has image_nr_low: a DECTRIS data file"
    if _SPECIFIC in file:
        return f"HDF5 with {_SPECIFIC}: a DECTRIS file with its data inside"
    program = plain(file["/entry/program_name"][()]) if "/entry/program_name" in file else None
    if isinstance(program, str) and program.startswith("DECTRIS"):
        return f"HDF5 written by {program}"
    if frames.ndim == 4 and "image_id" in data and "channel" in data:
        return f"HDF5 with {_DATA}/image_id and channel: the DECTRIS 4-D form"
    return None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    channel: str | int | None = None,
    follow_links: bool = False,
    masked: str = "zero",
) -> FileDataSet:
    """A DECTRIS recording as a data set.

    Parameters
    ----------
    path : path-like
        The master file, or a data file alone.
    request : Request
        What the user said; everything may be left out.
    channel : str, int or None
        Which threshold image of the 4-D form, by name or number; None for the first.
    follow_links : bool
        Whether to follow links to data files outside the folder of the master, too.
    masked : {"zero", "repair", "raw"}
        What stands in the place of pixels that the detector's mask excludes, or that hold the
        largest value of the pixel type, with which it marks gaps and masked pixels.

    Raises
    ------
    DataError
        If the file is damaged or has no frames.
    UnknownNameError
        If it has no such channel.
    """
    identity = FileIdentity.of(path)
    with hdf5_errors(identity.path), h5py.File(identity.path, "r") as file:
        why = _why(file) or "told by the user"
        links = Links.of(identity, follow_links)
        found = _frames(file, identity, channel, links)
        metadata = _metadata(file)
        places = _mask_places(file, channel)
        excluded, troubles = kept_mask(file, places, found.sig_shape, links)
        told = _promise(file)
    promised = max(found.frames, told.frames)
    mask = PixelMask(excluded, largest(found.dtype), checked_masked(masked))
    problems = list(found.problems)
    if found.found < promised and not problems:
        problems.append(f"{promised - found.found} of {promised} frames are not there")
    what = f"{identity.path}:{_DATA}"
    request.check_dtype(found.dtype, what)
    facts = FileFacts(
        "simplon_h5",
        why,
        told.reason,
        found.codec,
        found.found,
        promised,
        missing_files=found.missing_files,
        has_mask=excluded is not None,
        problems=(*problems, *troubles),
        size_bytes=identity.size,
    )
    return data_set(identity, request, found, facts, metadata, what, told.nav_shape, mask)


def _frames(
    file: h5py.File, identity: FileIdentity, channel: str | int | None, links: Links
) -> Layout:
    data = links.item(file, _DATA)
    if not isinstance(data, h5py.Group):
        raise DataError(f"{identity.path} has no group {_DATA}; is it a DECTRIS file?")
    names = [name for name in data if _NUMBERED.fullmatch(name)]
    if names:
        _no_channels(channel, identity)
        names.sort(key=lambda name: int(name.removeprefix("data_")))
        return join(linked_files(data, names, identity, links), identity)
    frames = links.item(data, "data")
    if not isinstance(frames, h5py.Dataset):
        raise DataError(f"{identity.path} has neither {_DATA}/data nor {_DATA}/data_000001")
    if frames.ndim == 4:
        index = _channel_index(file, frames, channel, identity)
        found = _numbered(lay_out(frames, links, fixed={1: index}), data.get("image_id"))
    else:
        _no_channels(channel, identity)
        found = lay_out(frames, links)
    return found


def _numbered(found: Layout, image_id: object) -> Layout:
    """The frames of the 4-D form at the numbers it names, so that lost images are a gap."""
    if not isinstance(image_id, h5py.Dataset) or image_id.shape != (found.frames,):
        return found
    numbers = image_id[()].astype(np.int64)
    if (np.diff(numbers) < 1).any() or numbers[-1] - numbers[0] > MAX_FRAMES:
        problem = "image_id does not ascend; frames are taken in the order of the file"
        return replace(found, problems=(*found.problems, problem))
    # numbers start at image_nr_start, 1 unless it was set
    numbers -= numbers[0]
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    segments: list[Segment] = []
    for low, high in itertools.pairwise([0, *cuts.tolist(), len(numbers)]):
        segments += moved(found.segments, int(numbers[low]) - low, low, high)
    return replace(found, nav_shape=(int(numbers[-1]) + 1,), segments=tuple(segments))


def _no_channels(channel: str | int | None, identity: FileIdentity) -> None:
    if channel is not None:
        raise ParameterError(
            f"channel={channel!r}: {identity.path} is of the older form, which has only one"
        )


def _channel_index(
    file: h5py.File, frames: h5py.Dataset, channel: str | int | None, identity: FileIdentity
) -> int:
    count = frames.shape[1]
    if channel is None:
        return 0
    if isinstance(channel, int):
        if not 0 <= channel < count:
            raise ParameterError(f"channel={channel}: {identity.path} has channels 0..{count - 1}")
        return channel
    stored = file.get(f"{_DATA}/channel")
    names = []
    if isinstance(stored, h5py.Dataset) and stored.shape == (count,):
        names = [str(plain(name)) for name in stored[()]]
    if channel not in names:
        raise UnknownNameError(f"channel in {identity.path}", channel, names)
    return names.index(channel)


@dataclass(frozen=True, slots=True)
class _Promise:
    """What the detector's settings say of the number of frames."""

    frames: int
    nav_shape: tuple[int, ...] | None
    reason: str


def _promise(file: h5py.File) -> _Promise:
    images, triggers = _count(file, "nimages"), _count(file, "ntrigger")
    if not images or images * (triggers or 1) > 2**31:
        return _Promise(0, None, "")
    triggers = triggers or 1
    if images > 1 and triggers > 1:
        reason = f"{triggers} triggers of {images} images each"
        return _Promise(images * triggers, (triggers, images), reason)
    return _Promise(images * triggers, None, "")


def _count(file: h5py.File, name: str) -> int:
    item = file.get(f"{_SPECIFIC}/{name}")
    value = plain(item[()]) if isinstance(item, h5py.Dataset) and item.size == 1 else None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, int) and value > 0 else 0


def _mask_places(file: h5py.File, channel: str | int | None) -> list[str]:
    """Where the mask may be, the best place first: each channel of the 4-D form has its own."""
    places = [f"{_SPECIFIC}/pixel_mask", f"{_DETECTOR}/pixel_mask"]
    detector = file.get(_DETECTOR)
    if isinstance(detector, h5py.Group):
        own = [f"{_DETECTOR}/{n}/pixel_mask" for n in detector if n.endswith("_channel")]
        if isinstance(channel, int):
            own = own[channel : channel + 1] + own
        elif channel is not None:
            own.sort(key=lambda place: f"/{channel}_channel/" not in place)
        places += own
    return places


def _metadata(file: h5py.File) -> dict[str, object]:
    """Small values by their path below /entry."""
    found: dict[str, object] = {}
    for group_name in _METADATA_GROUPS:
        group = file.get(group_name)
        if not isinstance(group, h5py.Group):
            continue
        for name in list(group)[:_MOST_ENTRIES]:
            item = group.get(name)
            if not isinstance(item, h5py.Dataset) or item.size is None or item.size > 16:
                continue
            value = plain(item[()] if item.dtype.kind != "O" else np.asarray(item[()]))
            if value is not None:
                found[f"{group_name}/{name}".removeprefix("/entry/")] = value
    return found
