"""Headerless binary files: frames one after another, everything else told by the user."""

from __future__ import annotations

import math
import os

from framefold.errors import DataError, ParameterError
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, Segment, acquisition_of
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request, whole

SUMMARY = "raw binary frames (give dtype, sig_shape and nav_shape)"


def understands(path: str | os.PathLike[str]) -> str | None:  # noqa: ARG001 - as every format has it
    """Never: bytes without a header could be anything, so this format must be asked for."""
    return None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    offset: int = 0,
    frame_header_bytes: int = 0,
) -> FileDataSet:
    """A headerless file as a data set; pixels are used in place where the machine can.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        Must name ``dtype`` (with its byte order, e.g. ``">u2"``), ``sig_shape`` and
        ``nav_shape`` (which may have ``-1`` axes).
    offset : int
        Bytes before the first frame [bytes].
    frame_header_bytes : int
        Bytes before the pixels of each frame [bytes].

    Raises
    ------
    ParameterError
        If something that has to be told was not.
    DataError
        If the file does not hold a single frame.
    """
    identity = FileIdentity.of(path)
    lacking = [n for n in ("dtype", "sig_shape", "nav_shape") if getattr(request, n) is None]
    if lacking:
        raise ParameterError(
            f"{identity.path} is raw binary data of {identity.size} bytes, which does not say "
            f"what it is: give {' and '.join(lacking)} (nav_shape=(-1, -1) for a square scan)"
        )
    assert request.dtype is not None, "checked above"
    assert request.sig_shape is not None, "checked above"
    skipped = whole("offset", offset)
    header = whole("frame_header_bytes", frame_header_bytes)
    if skipped < 0 or header < 0:
        raise ParameterError(
            f"offset={skipped}, frame_header_bytes={header}: neither can be negative"
        )
    pixels = math.prod(request.sig_shape)
    stride = header + pixels * request.dtype.itemsize
    frames, rest = divmod(max(0, identity.size - skipped), stride)
    if not frames:
        raise DataError(
            f"{identity.path} holds no frame: it has {identity.size} bytes, and one frame of "
            f"{request.sig_shape} {request.dtype} behind {skipped} bytes needs {skipped + stride}"
        )
    doubt = (
        f"{rest} bytes behind the last whole frame are ignored; the file may be cut off, or "
        "dtype or sig_shape may be wrong"
    )
    storage = MappedFrames(identity, skipped + header, stride, frames, pixels, request.dtype)
    facts = FileFacts(
        "raw",
        "told by the user",
        "told by the user",
        "raw",
        frames,
        frames,
        problems=(doubt,) if rest else (),
        size_bytes=identity.size,
    )
    acquisition = acquisition_of(
        identity.ident,
        identity.path,
        request.scan(frames),
        request.sig_shape,
        request.dtype,
        facts,
        {},
    )
    segments = (Segment(0, storage, 0, frames),)
    return FileDataSet(acquisition, segments, facts, num_partitions=request.num_partitions)
