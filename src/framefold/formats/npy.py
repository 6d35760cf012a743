"""NumPy's own files (.npy): a header that says everything, then the pixels."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from framefold.core.scan_shapes import Guess
from framefold.errors import DataError
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, Segment, acquisition_of
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request, is_pixel_type
from framefold.formats.shapes import split_axes

SUMMARY = "NumPy .npy"

_MAGIC = b"\x93NUMPY"

_READERS = {
    # 3.0 exists for structured types with names that are not ASCII
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file starts as NumPy files do."""
    with Path(path).open("rb") as file:
        found = file.read(len(_MAGIC)) == _MAGIC
    return "starts with the magic bytes \\x93NUMPY" if found else None


def open_file(path: str | os.PathLike[str], request: Request, *, sig_dims: int = 2) -> FileDataSet:
    """A ``.npy`` file as a data set, used in place.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    sig_dims : int
        How many of the last axes belong to the detector.

    Raises
    ------
    DataError
        If the header is damaged, or the array is none of numbers in C order.

    Notes
    -----
    Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    identity = FileIdentity.of(path)
    shape, dtype, offset = _header(identity)
    nav, sig = split_axes(shape, sig_dims, identity.path)
    request.check_dtype(dtype, identity.path)
    sig_shape = request.frame_shape(sig, identity.path)
    promised, pixels = math.prod(nav), math.prod(sig)
    frame_bytes = pixels * dtype.itemsize
    found = min(promised, max(0, identity.size - offset) // frame_bytes)
    if not found:
        raise DataError(
            f"{identity.path} holds no frame: its header promises {promised} of {frame_bytes} "
            f"bytes each, and {max(0, identity.size - offset)} bytes follow"
        )
    problems = (
        (f"cut off: {promised - found} of {promised} frames are missing at the end",)
        if found < promised
        else ()
    )
    told = Guess(nav, f"the first {len(nav)} axes of the array", "certain")
    fit = request.fit(promised, (told,))
    facts = FileFacts(
        "npy",
        "starts with the magic bytes \\x93NUMPY",
        fit.reason,
        "raw",
        found,
        promised,
        problems=problems,
        size_bytes=identity.size,
    ).with_scan(fit)
    storage = MappedFrames(identity, offset, frame_bytes, found, pixels, dtype)
    acquisition = acquisition_of(
        identity.ident, identity.path, fit.scan, sig_shape, dtype, facts, {}
    )
    segments = (Segment(0, storage, 0, found),)
    return FileDataSet(acquisition, segments, facts, num_partitions=request.num_partitions)


def _header(identity: FileIdentity) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, pixel type and where the pixels start [bytes]."""
    with Path(identity.path).open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            shape, fortran, dtype = _READERS[version](file)
        except KeyError as error:
            raise DataError(
                f"{identity.path} is a NumPy file of version {version}; 1.0 and 2.0 are known"
            ) from error
        except Exception as error:
            # numpy parses the header as Python source, so damage comes out as ValueError,
            # SyntaxError, TokenError, RecursionError ...
            raise DataError(
                f"the header of {identity.path} is damaged: {error}; write the file anew"
            ) from error
        offset = file.tell()
    if not is_pixel_type(dtype):
        raise DataError(f"{identity.path} holds {dtype}, which is no pixel type")
    if fortran and len(shape) > 1:
        raise DataError(
            f"{identity.path} is stored in Fortran order, so its frames lie scattered over the "
            "file; save it again with numpy.ascontiguousarray"
        )
    if any(n < 0 for n in shape):
        raise DataError(f"the header of {identity.path} names the shape {shape}")
    return tuple(int(n) for n in shape), dtype, offset
