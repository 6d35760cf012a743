"""Gatan DigitalMicrograph files (.dm3, .dm4): tags that say where the pixels lie."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from framefold.errors import DataError
from framefold.formats.extras import extra, library_errors
from framefold.formats.files import FileDataSet
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.stack import Stack, one_segment, whole_frames

SUMMARY = "Gatan DM3/DM4 image stack"

_ORDER = "Data Order Swapped"
"""Tag of scans that were stored frame by frame, by GMS since version 3.4."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file starts as DM3 or DM4 does.

    Notes
    -----
    A version, 3 or 4, big-endian; the length of the file in 4 or 8 bytes; the byte order, 0 or 1.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(16)
    version = int.from_bytes(start[:4], "big")
    if len(start) < 16 or version not in (3, 4):
        return None
    at = 8 if version == 3 else 12
    told, order = int.from_bytes(start[4:at], "big"), int.from_bytes(start[at : at + 4], "big")
    # the length leaves out header and end mark; a file that was cut off is shorter than it says
    if order not in (0, 1) or not 0 < told < 1 << 50 or size > told + (1 << 16):
        return None
    return f"starts with version {version} and a length, as DM{version} files do"


def open_file(
    path: str | os.PathLike[str], request: Request, *, force_c_order: bool = False
) -> FileDataSet:
    """A DM3 or DM4 file as a data set, used in place; its tags are read by ncempy.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    force_c_order : bool
        Take an array of four axes as frame after frame, though its tags do not say so.

    Raises
    ------
    DataError
        If ncempy is not installed, the file is damaged, or frames do not lie one after another.
    """
    identity = FileIdentity.of(path)
    shape, dtype, offset, swapped = _tags(identity)
    if len(shape) == 4 and not (swapped or force_c_order):
        raise DataError(
            f"{identity.path} holds {shape}, with the tag {_ORDER!r} unset: its scan axes are the "
            "fast ones, and frames lie scattered over the file. Save it with the detector's axes "
            "first in DigitalMicrograph, or give force_c_order=True if frames lie one by one"
        )
    nav, sig = shape[:-2] or (1,), shape[-2:]
    promised, pixels = math.prod(nav), math.prod(sig)
    frame_bytes = pixels * dtype.itemsize
    found = min(promised, whole_frames(identity.size, offset, frame_bytes, frame_bytes))
    return Stack(
        identity,
        "dm",
        understands(identity.path) or "told by the user",
        sig,
        dtype,
        one_segment(MappedFrames(identity, offset, frame_bytes, found, pixels, dtype)),
        promised,
        nav_shape=nav,
        nav_reason="the axes of the array",
    ).data_set(request)


def _tags(identity: FileIdentity) -> tuple[tuple[int, ...], np.dtype[Any], int, bool]:
    """Shape, pixel type, place of the pixels [bytes], whether frames lie one after another."""
    dm = extra("ncempy.io.dm", "ncem", identity.path)
    with (
        library_errors(identity.path, "ncempy"),
        dm.fileDM(identity.path, on_memory=False) as file,
    ):
        # the first array is a thumbnail where there are more
        at = 1 if file.numObjects > 1 and file.thumbnail else 0
        axes = (file.zSize2[at], file.zSize[at], file.ySize[at], file.xSize[at])
        shape = tuple(int(n) for n in axes)
        if min(shape) < 1:
            raise DataError(f"the tags of {identity.path} name the shape {shape}")
        while len(shape) > 2 and shape[0] == 1:
            shape = shape[1:]
        dtype = np.dtype(file._DM2NPDataTypes[int(file.dataType[at])])  # noqa: SLF001 - no other way
        offset = int(file.dataOffset[at])
        tags = file.allTags
        swapped = any(name.endswith(_ORDER) and bool(value) for name, value in tags.items())
    return shape, dtype.newbyteorder("<"), offset, swapped
