"""MRC stacks (.mrc, .mrcs), with the scan that Direct Electron's software notes beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from framefold.errors import DataError
from framefold.formats.extras import extra, library_errors
from framefold.formats.files import FileDataSet
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity, readable_sibling
from framefold.formats.request import Request
from framefold.formats.stack import Stack, one_segment, whole_frames

SUMMARY = "MRC image stack"

_HEADER_BYTES = 1024
_MOST_NOTES = 1 << 20
"""Bytes of Direct Electron's notes that are looked at; real ones have 40 kB."""

_TOLD = (
    "Instrument Acc. Voltage (kV)", "Frames Per Second", "Camera Model", "Camera SN",
    "Scan - Controller", "Scan - Type", "Scan - Dwell Time (microseconds)",
)  # fmt: skip


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the header has the marks of MRC2014.

    Notes
    -----
    https://www.ccpem.ac.uk/mrc-format/mrc2014: ``MAP`` at byte 208, a machine stamp at 212.
    """
    with Path(path).open("rb") as file:
        start = file.read(_HEADER_BYTES)
    marked = start[208:211] == b"MAP" and start[212:213] in (b"\x44", b"\x11")
    return "has MAP and a machine stamp at byte 208, as MRC files do" if marked else None


def open_file(path: str | os.PathLike[str], request: Request) -> FileDataSet:
    """An MRC stack as a data set, used in place; its header is read by mrcfile.

    Parameters
    ----------
    path : path-like
        The file. Notes of Direct Electron's software (``..._info.txt`` beside ``..._movie.mrc``)
        give the scan shape.
    request : Request
        What the user said; everything may be left out.

    Raises
    ------
    DataError
        If mrcfile is not installed, or the header is damaged.
    """
    identity = FileIdentity.of(path)
    shape, dtype, offset = _header(identity)
    frames, *sig = shape
    pixels = sig[0] * sig[1]
    frame_bytes = pixels * dtype.itemsize
    found = min(frames, whole_frames(identity.size, offset, frame_bytes, frame_bytes))
    notes = _notes(identity)
    nav, reason = _scan(notes, frames)
    return Stack(
        identity,
        "mrc",
        understands(identity.path) or "told by the user",
        (sig[0], sig[1]),
        dtype,
        one_segment(MappedFrames(identity, offset, frame_bytes, found, pixels, dtype)),
        frames,
        nav_shape=nav,
        nav_reason=reason,
        metadata={name: notes[name] for name in _TOLD if name in notes},
    ).data_set(request)


def _header(identity: FileIdentity) -> tuple[tuple[int, int, int], np.dtype[Any], int]:
    """Frames, rows and columns; pixel type; where the pixels start [bytes]."""
    mrcfile = extra("mrcfile", "mrc", identity.path)
    with (
        library_errors(identity.path, "mrcfile"),
        mrcfile.open(identity.path, header_only=True, permissive=True) as file,
    ):
        header = file.header
        if header is None:
            raise DataError(f"{identity.path} has no readable MRC header")
        dtype: np.dtype[Any] = mrcfile.utils.data_dtype_from_header(header)
        shape = (int(header.nz), int(header.ny), int(header.nx))
        offset = _HEADER_BYTES + int(header.nsymbt)
    if min(shape) < 1 or offset < _HEADER_BYTES:
        raise DataError(f"the header of {identity.path} names {shape} at byte {offset}")
    return shape, dtype, offset


def _notes(identity: FileIdentity) -> dict[str, str]:
    """What Direct Electron's software noted, ``name = value`` a line; empty without notes."""
    stem = Path(identity.path).stem
    base, _, last = stem.rpartition("_")
    beside = readable_sibling(identity, f"{base}_info.txt") if base and last else None
    if beside is None:
        return {}
    with Path(beside).open("rb") as file:
        text = file.read(_MOST_NOTES).decode("utf-8", "replace")
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _scan(notes: dict[str, str], frames: int) -> tuple[tuple[int, ...] | None, str]:
    """The scan shape in the notes, where it goes with the number of frames."""
    try:
        shape = int(notes["Scan - Size Y"]), int(notes["Scan - Size X"])
    except (KeyError, ValueError):
        return None, ""
    raster = notes.get("Scan - Type", "Raster") == "Raster"
    if raster and min(shape) > 0 and shape[0] * shape[1] == frames:
        return shape, "the notes in the _info.txt beside it"
    # an irregular scan is one line of positions
    return (frames,), f"one line: the notes tell a scan of type {notes.get('Scan - Type')!r}"
