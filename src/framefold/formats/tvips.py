"""TVIPS recordings (.tvips): a header in the first file, then frames, over files in a row."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from framefold.errors import DataError
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity, readable_sibling
from framefold.formats.request import Request
from framefold.formats.stack import Stack, whole_frames

SUMMARY = "TVIPS camera series (name the first file, ..._000.tvips)"

_HEADER_BYTES = 256
_HEADER = np.dtype(
    [(name, "<u4") for name in (
        "size", "version", "dimx", "dimy", "bitsperpixel", "offsetx", "offsety", "binx", "biny",
        "pixelsize", "ht", "magtotal", "frameheaderbytes",
    )]
)  # fmt: skip
"""The general header of TVIPS' recorder; the rest of its 256 bytes is text."""

_OLD_FRAME_HEADER = 12
"""Bytes before each frame in version 1: number, seconds, milliseconds."""

_NUMBERED = re.compile(r"(.*_)(\d{3})(\.tvips)", re.IGNORECASE)


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the header is that of a TVIPS series: it has no magic bytes of its own."""
    with Path(path).open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if len(start) < _HEADER_BYTES:
        return None
    header = np.frombuffer(start, _HEADER, 1)[0]
    plausible = (
        header["size"] == _HEADER_BYTES
        and header["version"] in (1, 2)
        and header["bitsperpixel"] in (8, 16)
        and 0 < header["dimx"] <= 1 << 15
        and 0 < header["dimy"] <= 1 << 15
        and header["binx"] <= 1 << 10
        and (header["version"] == 1 or header["frameheaderbytes"] < 1 << 16)
    )
    return f"starts with a TVIPS header of version {header['version']}" if plausible else None


def open_file(path: str | os.PathLike[str], request: Request) -> FileDataSet:
    """A TVIPS series as a data set, used in place.

    Parameters
    ----------
    path : path-like
        Its first file, ``..._000.tvips``; ``..._001.tvips`` and so on are found beside it.
    request : Request
        What the user said; everything may be left out.

    Raises
    ------
    DataError
        If the header is damaged or there is no frame.
    """
    identity = FileIdentity.of(path)
    why = understands(path)
    if why is None:
        raise DataError(f"{identity.path} does not start with the header of a TVIPS series")
    header = np.fromfile(identity.path, _HEADER, 1)[0]
    frame_header = _OLD_FRAME_HEADER
    if header["version"] == 2:
        frame_header = int(header["frameheaderbytes"])
    dtype = np.dtype(f"<u{int(header['bitsperpixel']) // 8}")
    sig_shape = (int(header["dimy"]), int(header["dimx"]))
    segments, problems = _segments(identity, frame_header, sig_shape, dtype)
    frames = sum(segment.count for segment in segments)
    return Stack(
        identity,
        "tvips",
        why,
        sig_shape,
        dtype,
        segments,
        frames,
        problems=problems,
        metadata={name: int(header[name]) for name in _HEADER.names or ()},
    ).data_set(request)


def _segments(
    identity: FileIdentity, frame_header: int, sig_shape: tuple[int, int], dtype: np.dtype[np.uint]
) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """The frames of all files of the series, and what is wrong with them."""
    pixels = sig_shape[0] * sig_shape[1]
    frame_bytes = pixels * dtype.itemsize
    stride = frame_header + frame_bytes
    found: list[Segment] = []
    problems: list[str] = []
    number, start = 0, _HEADER_BYTES
    for part in _files(identity):
        frames = whole_frames(part.size, start + frame_header, stride, frame_bytes)
        rest = part.size - start - frames * stride
        if rest > 0:
            problems.append(f"{part.name} ends within a frame, after {rest} bytes of it")
        if frames:
            storage = MappedFrames(part, start + frame_header, stride, frames, pixels, dtype)
            found.append(Segment(number, storage, 0, frames))
        number += frames
        start = 0  # only the first file has the general header
    return tuple(found), tuple(problems)


def _files(identity: FileIdentity) -> list[FileIdentity]:
    """The first file and those that continue it."""
    found = [identity]
    named = _NUMBERED.fullmatch(identity.name)
    if named is None:
        return found
    number = int(named[2])
    while (path := readable_sibling(identity, f"{named[1]}{number + 1:03d}{named[3]}")) is not None:
        number += 1
        found.append(FileIdentity.of(path))
    return found
