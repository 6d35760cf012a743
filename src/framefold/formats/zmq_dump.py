"""LiberTEM's dumps of DECTRIS streams: the parts of all messages, each behind its length."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from framefold.formats.chunks import ChunkedFrames
from framefold.formats.files import FileDataSet
from framefold.formats.kept_messages import KeptFrame, KeptMessages, data_set
from framefold.formats.opened import FileIdentity, held_open
from framefold.formats.request import Request
from framefold.formats.simplon_stream import in_file

SUMMARY = "LiberTEM's dump of a DECTRIS stream v1 (parts with lengths)"

_PREFIX_BYTES = 8
_PARTS = {"dimage-1.0": 4}
_HEADER_PARTS = {"none": 1, "basic": 2, "all": 8}


class _Head(msgspec.Struct):
    """The keys of a part that say which message it begins."""

    htype: str = ""
    header_detail: str = ""


_head = msgspec.json.Decoder(_Head)


class DumpedMessages(KeptMessages):
    """The messages of a dump, put together from their parts.

    Parameters
    ----------
    identity : FileIdentity
        The file.

    Notes
    -----
    LiberTEM-rs, libertem_dectris: records of a little-endian int64 length and that many bytes, one
    for each part; neither header nor times, and nothing that tells where a message ends but what
    is in it.
    """

    format = "zmq_dump"

    def __init__(self, identity: FileIdentity) -> None:
        self._identity = identity
        self._content = held_open(identity).mapped() if identity.size else np.empty(0, np.uint8)
        self._problems: list[str] = []

    @property
    def identity(self) -> FileIdentity:
        """The file."""
        return self._identity

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with the end of the file."""
        return self._problems

    def parts(self) -> Iterator[memoryview]:
        """Each part, in place."""
        content, at = self._content, 0
        while at < len(content):
            start = at + _PREFIX_BYTES
            length = int.from_bytes(content[at:start].tobytes(), "little", signed=True)
            if length < 0 or start + length > len(content):
                rest = len(content) - at
                self._problems = [f"{rest} bytes at the end are no whole part; cut off?"]
                return
            yield content[start : start + length].data
            at = start + length

    def __iter__(self) -> Iterator[list[memoryview]]:
        """The parts of each message."""
        message: list[memoryview] = []
        wanted = 0
        for part in self.parts():
            if not message:
                wanted = _parts_of(part)
            message.append(part)
            if len(message) >= wanted:
                yield message
                message = []
        if message:
            yield message

    def place(self, payload: memoryview) -> int | None:
        """Where in the file a payload lies."""
        content = self._content
        at = int(np.frombuffer(payload, np.uint8).ctypes.data - content.ctypes.data)
        return at if 0 <= at <= len(content) - len(payload) else None

    def storage(self, frames: Sequence[KeptFrame]) -> ChunkedFrames:
        """Frames where they lie in the file."""
        return in_file(self._identity, frames)


def _parts_of(first: memoryview) -> int:
    """How many parts a message has that begins with this one; 1 for what begins none."""
    if len(first) > 4096 or bytes(first[:1]) != b"{":
        return 1
    try:
        head = _head.decode(first)
    except (msgspec.MsgspecError, ValueError):
        return 1
    if head.htype.startswith("dheader"):
        return _HEADER_PARTS.get(head.header_detail, 1)
    return _PARTS.get(head.htype, 1)


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the file begins with a part of stream v1 behind its length."""
    with Path(path).open("rb") as file:
        start = file.read(4096 + _PREFIX_BYTES)
    length = int.from_bytes(start[:_PREFIX_BYTES], "little", signed=True)
    first = start[_PREFIX_BYTES : _PREFIX_BYTES + length]
    if not 2 <= length <= 4096 or len(first) < length or first[:1] != b"{":
        return None
    try:
        head = _head.decode(first)
    except (msgspec.MsgspecError, ValueError):
        return None
    if not head.htype.startswith(("dheader", "dimage", "dseries_end")):
        return None
    return f"begins with the length of a part, and a part {head.htype}"


def messages(path: str | os.PathLike[str]) -> Iterator[list[memoryview]]:
    """The parts of each message in a file."""
    return iter(DumpedMessages(FileIdentity.of(path)))


def open_file(
    path: str | os.PathLike[str], request: Request, *, series: int = 0, masked: str = "zero"
) -> FileDataSet:
    """A dump as a data set.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    series : int
        Which of several series in the file, from 0.
    masked : {"zero", "repair", "raw"}
        What stands in the place of pixels that the detector masks.

    Raises
    ------
    DataError
        If the file holds no message, or none with a frame.
    ParameterError
        If an option is of the wrong kind.
    """
    return data_set(DumpedMessages(FileIdentity.of(path)), request, None, series, masked)
