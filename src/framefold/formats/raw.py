"""Headerless binary files: frames one after another, everything else told by the user."""

from __future__ import annotations

import math
import os
from typing import Final, Literal

from framefold.errors import DataError, ParameterError
from framefold.formats.files import FileDataSet
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request, one_of, whole
from framefold.formats.stack import Stack, one_segment, whole_frames

SUMMARY = "raw binary frames (give dtype and sig_shape)"

_ORDERS: Final[tuple[Literal["little"], Literal["big"]]] = ("little", "big")


def understands(path: str | os.PathLike[str]) -> str | None:  # noqa: ARG001 - as every format has it
    """Never: bytes without a header could be anything, so this format must be asked for."""
    return None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    offset: int = 0,
    frame_header_bytes: int = 0,
    frame_footer_bytes: int = 0,
    byteorder: str | None = None,
) -> FileDataSet:
    """A headerless file as a data set; pixels are used in place where the machine can.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        Must name ``dtype`` (with its byte order, e.g. ``">u2"``) and ``sig_shape``; the scan
        shape is guessed from the number of frames unless ``nav_shape`` tells it.
    offset : int
        Bytes before the first frame [bytes].
    frame_header_bytes : int
        Bytes before the pixels of each frame [bytes].
    frame_footer_bytes : int
        Bytes behind the pixels of each frame [bytes]; those of the last one may be missing.
    byteorder : str or None
        ``"little"`` or ``"big"``, where ``dtype`` does not say it; None for what ``dtype`` says.

    Raises
    ------
    ParameterError
        If something that has to be told was not.
    DataError
        If the file does not hold a single frame.
    """
    identity = FileIdentity.of(path)
    lacking = [n for n in ("dtype", "sig_shape") if getattr(request, n) is None]
    if lacking:
        raise ParameterError(
            f"{identity.path} is raw binary data of {identity.size} bytes, which does not say "
            f"what it is: give {' and '.join(lacking)}, e.g. dtype='uint16', sig_shape=(256, 256)"
        )
    assert request.dtype is not None, "checked above"
    assert request.sig_shape is not None, "checked above"
    order: Literal["little", "big"] | None = one_of("byteorder", byteorder, _ORDERS)
    dtype = request.dtype if order is None else request.dtype.newbyteorder(order)
    skipped = whole("offset", offset)
    header = whole("frame_header_bytes", frame_header_bytes)
    footer = whole("frame_footer_bytes", frame_footer_bytes)
    if min(skipped, header, footer) < 0:
        raise ParameterError(
            f"offset={skipped}, frame_header_bytes={header}, frame_footer_bytes={footer}: none can "
            "be negative"
        )
    pixels = math.prod(request.sig_shape)
    frame_bytes = pixels * dtype.itemsize
    stride = header + frame_bytes + footer
    frames = whole_frames(identity.size, skipped + header, stride, frame_bytes)
    if not frames:
        raise DataError(
            f"{identity.path} holds no frame: it has {identity.size} bytes, and one frame of "
            f"{request.sig_shape} {dtype} behind {skipped} bytes needs {skipped + stride}"
        )
    rest = max(0, identity.size - skipped - frames * stride)
    doubt = (
        f"{rest} bytes behind the last whole frame are ignored; the file may be cut off, or "
        "dtype or sig_shape may be wrong"
    )
    storage = MappedFrames(identity, skipped + header, stride, frames, pixels, dtype)
    return Stack(
        identity,
        "raw",
        "told by the user",
        request.sig_shape,
        dtype,
        one_segment(storage),
        frames,
        problems=(doubt,) if rest else (),
    ).data_set(request)
