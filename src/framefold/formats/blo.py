"""NanoMEGAS block files (.blo): a header, a survey image, then square 8-bit patterns."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from framefold.errors import DataError
from framefold.formats.files import FileDataSet
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.stack import Stack, one_segment, whole_frames

SUMMARY = "NanoMEGAS block file"

_MAGIC = b"IMGBLO"
_HEADER = np.dtype(
    [
        ("id", "S6"), ("magic", "<u2"), ("offset_survey", "<u4"), ("offset_patterns", "<u4"),
        ("flags", "<u4"), ("pattern_pixels", "<u2"), ("pattern_rotation", "<u2"), ("nx", "<u2"),
        ("ny", "<u2"), ("scan_rotation", "<u2"), ("step_x_nm", "<f8"), ("step_y_nm", "<f8"),
        ("beam_energy_V", "<u4"), ("pixel_size", "<u2"), ("camera_length", "<u4"),
        ("time", "<f8"),
    ]
)  # fmt: skip
_FRAME_HEADER = 6
"""Before each pattern: the number 0x55AA, and its own number."""

_TOLD = ("step_x_nm", "step_y_nm", "beam_energy_V", "camera_length", "scan_rotation")


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file starts as block files do."""
    with Path(path).open("rb") as file:
        return "starts with the magic bytes IMGBLO" if file.read(6) == _MAGIC else None


def open_file(path: str | os.PathLike[str], request: Request) -> FileDataSet:
    """A block file as a data set.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.

    Raises
    ------
    DataError
        If the header is damaged or there is no pattern.
    """
    identity = FileIdentity.of(path)
    with Path(identity.path).open("rb") as file:
        start = file.read(_HEADER.itemsize)
    if len(start) < _HEADER.itemsize or not start.startswith(_MAGIC):
        raise DataError(f"{identity.path} does not start with the header of a block file")
    header = np.frombuffer(start, _HEADER, 1)[0]
    side, nav = int(header["pattern_pixels"]), (int(header["ny"]), int(header["nx"]))
    if 0 in (side, *nav):
        raise DataError(
            f"the header of {identity.path} names a scan of {nav} with patterns of {side}x{side}"
        )
    pixels, promised = side * side, nav[0] * nav[1]
    offset, stride = int(header["offset_patterns"]) + _FRAME_HEADER, _FRAME_HEADER + pixels
    found = min(promised, whole_frames(identity.size, offset, stride, pixels))
    storage = MappedFrames(identity, offset, stride, found, pixels, np.dtype("u1"))
    return Stack(
        identity,
        "blo",
        "starts with the magic bytes IMGBLO",
        (side, side),
        np.dtype("u1"),
        one_segment(storage),
        promised,
        nav_shape=nav,
        nav_reason="the header",
        metadata={name: header[name].item() for name in _TOLD},
    ).data_set(request)
