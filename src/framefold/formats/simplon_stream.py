"""Messages of a DECTRIS stream as they came, kept in a file: one CBOR item a message."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence

import numpy as np

from framefold.errors import ProtocolError
from framefold.formats.cbor_items import byte_strings, items
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.files import FileDataSet
from framefold.formats.kept_messages import KeptFrame, KeptMessages, data_set
from framefold.formats.opened import FileIdentity, held_open
from framefold.formats.request import Request
from framefold.protocols import WireProtocol, recognise

SUMMARY = "messages of a DECTRIS stream (CBOR; v1 as lists of parts)"


class CborMessages(KeptMessages):
    """A CBOR sequence of stream v2 messages, or of lists of the parts of v1 messages.

    Parameters
    ----------
    identity : FileIdentity
        The file.
    """

    format = "simplon_stream"

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
        """That the end of the file is no whole message."""
        return self._problems

    def __iter__(self) -> Iterator[list[memoryview]]:
        """The parts of each message, in place."""
        content, last = self._content, 0
        for start, end in items(content):
            parts = byte_strings(content, start)
            yield [content[a:b].data for a, b in parts or [(start, end)]]
            last = end
        if last < len(content):
            rest = len(content) - last
            self._problems = [f"{rest} bytes at the end are no whole message; cut off?"]

    def place(self, payload: memoryview) -> int | None:
        """Where in the file a payload lies, if the protocol did not copy it."""
        content = self._content
        at = int(np.frombuffer(payload, np.uint8).ctypes.data - content.ctypes.data)
        return at if 0 <= at <= len(content) - len(payload) else None

    def storage(self, frames: Sequence[KeptFrame]) -> ChunkedFrames:
        """Frames where they lie in the file."""
        return in_file(self._identity, frames)


def in_file(identity: FileIdentity, frames: Sequence[KeptFrame]) -> ChunkedFrames:
    """Frames whose places are bytes of a file."""
    like = frames[0]
    dtype = like.dtype.newbyteorder(">") if like.encoding.big_endian else like.dtype
    return ChunkedFrames(
        identity,
        np.array([frame.place for frame in frames], dtype=np.int64),
        np.array([frame.length for frame in frames], dtype=np.int64),
        like.encoding.codec,
        math.prod(like.sig_shape),
        dtype,
    )


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the first item is a message of a stream that is known."""
    for parts in CborMessages(FileIdentity.of(path)):
        try:
            language = recognise(parts[0])
            language.feed(parts)
        except ProtocolError:
            return None
        if language.transport != WireProtocol.transport:
            return None  # text that happens to be CBOR: what Merlin writes beside its recordings
        return f"begins with a message of {language.name}"
    return None


def messages(path: str | os.PathLike[str]) -> Iterator[list[memoryview]]:
    """The parts of each message in a file."""
    return iter(CborMessages(FileIdentity.of(path)))


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    channel: str | None = None,
    series: int = 0,
    masked: str = "zero",
) -> FileDataSet:
    """Recorded messages as a data set.

    Parameters
    ----------
    path : path-like
        The file.
    request : Request
        What the user said; everything may be left out.
    channel : str or None
        Which of several images in a message; None for the first.
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
    return data_set(CborMessages(FileIdentity.of(path)), request, channel, series, masked)
