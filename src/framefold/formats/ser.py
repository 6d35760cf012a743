"""FEI/Thermo TIA series (.ser): a table of offsets, and a header before each frame."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import DataError
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.extras import extra, library_errors
from framefold.formats.files import FileDataSet
from framefold.formats.flipped import FlippedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.stack import Stack, one_segment

SUMMARY = "FEI TIA series"

_IMAGES = 0x4122
"""Data type of a series of images; 0x4120 are spectra."""

_ELEMENT_HEADER = 50
"""Bytes before the pixels of an image: two calibrations of 20, pixel type 2, two lengths of 4."""

_TYPES = {1: "u1", 2: "<u2", 3: "<u4", 4: "i1", 5: "<i2", 6: "<i4", 7: "<f4", 8: "<f8",
          9: "<c8", 10: "<c16"}  # fmt: skip


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file starts as TIA's series do: ``II`` and the number 0x0197."""
    with Path(path).open("rb") as file:
        return "starts with II and 0x0197" if file.read(4) == b"II\x97\x01" else None


def open_file(path: str | os.PathLike[str], request: Request) -> FileDataSet:
    """A TIA series of images as a data set; its table is read by ncempy.

    TIA stores the bottom row first; frames come with the top row first, as others read them.

    Parameters
    ----------
    path : path-like
        The ``.ser`` file.
    request : Request
        What the user said; everything may be left out.

    Raises
    ------
    DataError
        If ncempy is not installed, the file is damaged, or holds spectra.
    """
    identity = FileIdentity.of(path)
    ser = extra("ncempy.io.ser", "ncem", identity.path)
    with library_errors(identity.path, "ncempy"), ser.fileSER(identity.path) as file:
        head = dict(file.head)
    if head["DataTypeID"] != _IMAGES:
        raise DataError(f"{identity.path} holds spectra (type {head['DataTypeID']}), not frames")
    promised = int(head["ValidNumberElements"])
    offsets = np.array(head["DataOffsetArray"][:promised], dtype=np.int64)
    if len(offsets) < max(promised, 1):
        raise DataError(
            f"the table of {identity.path} has {len(offsets)} of {promised} entries; is it cut off?"
        )
    kinds = _element_headers(identity, offsets)
    shape, dtype = _usual(identity, kinds[0])
    pixels = math.prod(shape)
    bytes_each = pixels * dtype.itemsize
    same = (kinds == kinds[0]).all(axis=1)
    same &= (offsets >= 0) & (offsets <= identity.size - _ELEMENT_HEADER - bytes_each)
    # a frame without bytes counts as damaged, at its own position
    lengths = np.where(same, bytes_each, 0)
    storage = ChunkedFrames(identity, offsets + _ELEMENT_HEADER, lengths, "raw", pixels, dtype)
    odd = int(np.count_nonzero(~same))
    nav, reason = _scan(head, promised)
    return Stack(
        identity,
        "ser",
        understands(identity.path) or "told by the user",
        shape,
        dtype,
        one_segment(FlippedFrames.of(storage, shape)),
        promised,
        nav_shape=nav,
        nav_reason=reason,
        problems=(f"{odd} of {promised} frames are cut off or of another kind",) if odd else (),
    ).data_set(request)


def _element_headers(identity: FileIdentity, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixel type, columns and rows of each frame; -1 where the file ends before."""
    content = np.memmap(identity.path, dtype=np.uint8, mode="r")
    inside = (offsets >= 0) & (offsets + _ELEMENT_HEADER <= identity.size)
    found = np.full((len(offsets), 3), -1, dtype=np.int64)
    there = offsets[inside, None]
    found[inside, 0] = content[there + range(40, 42)].view("<i2")[:, 0]
    found[inside, 1] = content[there + range(42, 46)].view("<i4")[:, 0]
    found[inside, 2] = content[there + range(46, 50)].view("<i4")[:, 0]
    return found


def _usual(
    identity: FileIdentity, kind: NDArray[np.int64]
) -> tuple[tuple[int, int], np.dtype[Any]]:
    """Frame shape and pixel type of the first frame."""
    number, columns, rows = (int(n) for n in kind)
    if number not in _TYPES or columns < 1 or rows < 1:
        raise DataError(
            f"the first frame of {identity.path} is of pixel type {number} with {rows} rows of "
            f"{columns}; the file may be damaged"
        )
    return (rows, columns), np.dtype(_TYPES[number])


def _scan(head: dict[str, Any], frames: int) -> tuple[tuple[int, ...] | None, str]:
    # the first dimension is the fast one
    shape = tuple(int(d["DimensionSize"]) for d in reversed(head["Dimensions"]))
    if shape and math.prod(shape) == frames:
        return shape, "the dimensions in the header"
    return None, ""
