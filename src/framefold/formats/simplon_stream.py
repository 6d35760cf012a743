"""Messages of a DECTRIS stream as they came, kept in a file: one CBOR item a message."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.pixel_masks import told_mask
from framefold.core.block import UndecodableFrames
from framefold.core.encoding import Encoding
from framefold.core.pixel_mask import checked_masked
from framefold.errors import DataError, ParameterError, ProtocolError
from framefold.formats.cbor_items import byte_strings, items
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.opened import FileIdentity, held_open
from framefold.formats.request import Request
from framefold.formats.stack import Stack
from framefold.protocols import Arrived, Started, WireProtocol, recognise

SUMMARY = "messages of a DECTRIS stream (CBOR; v1 as lists of parts)"

_KEPT = ("series", "notes", "beam_energy", "count_time", "frame_time", "threshold_energy",
         "detector_description", "sensor_material", "description")  # fmt: skip
"""Metadata that are told; the rest are tables of a detector's size or beside the point."""


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if the first item is a message of a stream that is known."""
    identity = FileIdentity.of(path)
    content = held_open(identity).mapped() if identity.size else np.empty(0, np.uint8)
    for parts in _messages(content):
        try:
            language = recognise(parts[0])
            language.feed(parts)
        except ProtocolError:
            return None
        return f"begins with a message of {language.name}"
    return None


def open_file(
    path: str | os.PathLike[str],
    request: Request,
    *,
    channel: str | None = None,
    masked: str = "zero",
) -> FileDataSet:
    """Recorded messages as a data set; the pixels stay where they are until they are decoded.

    Parameters
    ----------
    path : path-like
        The file: a CBOR sequence of stream v2 messages, or of lists of the parts of v1 messages.
    request : Request
        What the user said; everything may be left out.
    channel : str or None
        Which of several images in a message; None for the first.
    masked : {"zero", "repair", "raw"}
        What stands in the place of pixels that the detector masks.

    Raises
    ------
    DataError
        If the file holds no message, or none with a frame.
    """
    if channel is not None and not isinstance(channel, str):
        raise ParameterError(f"channel={channel!r} is not the name of a channel")
    identity = FileIdentity.of(path)
    content = held_open(identity).mapped()
    found = _read(identity, content, channel)
    if not found.frames:
        raise DataError(
            f"{identity.path} holds {found.messages} messages, but no frame"
            + (f": {found.problems[0]}" if found.problems else "")
        )
    (shape, dtype), segments = _segments(identity, found)
    started = found.started
    told = (started.frames or 0) if started else 0
    promised = max(told, *(s.number + s.count for s in segments))
    damage = _trial(segments[0], math.prod(shape), dtype)
    if damage:
        found.problems.append(f"frame {segments[0].number} does not decode: {damage}")
    metadata = dict(started.metadata) if started else {}
    mask = told_mask(metadata, shape, dtype, checked_masked(masked))
    return Stack(
        identity,
        "simplon_stream",
        found.why,
        shape,
        dtype,
        segments,
        promised,
        codec="+".join(sorted({frame[1].codec for frame in found.frames.values()})),
        problems=tuple(found.problems),
        metadata={key: metadata[key] for key in _KEPT if key in metadata},
        mask=mask,
    ).data_set(request)


_Frame = tuple[tuple[tuple[int, ...], np.dtype[Any]], Encoding, int, int]
"""Shape and pixel type; encoding; where the pixels begin in the file, and how many bytes."""


@dataclass(slots=True)
class _Found:
    """What the messages tell while they are read one after another."""

    why: str = ""
    messages: int = 0
    started: Started | None = None
    series: str | None = None
    frames: dict[int, _Frame] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _messages(content: NDArray[np.uint8]) -> Iterator[list[memoryview]]:
    """The parts of each message, in place."""
    for start, end in items(content):
        parts = byte_strings(content, start)
        yield [content[a:b].data for a, b in parts or [(start, end)]]


def _read(identity: FileIdentity, content: NDArray[np.uint8], channel: str | None) -> _Found:
    found = _Found()
    language: WireProtocol | None = None
    refused: list[str] = []
    for parts in _messages(content):
        found.messages += 1
        try:
            if language is None:
                language = recognise(parts[0], channel)
                found.why = f"begins with a message of {language.name}"
            for event in language.feed(parts):
                _take(found, event, content)
        except ProtocolError as error:
            refused.append(f"message {found.messages - 1} makes no sense: {error}")
    if refused:
        found.problems.append(refused[0] + (f" ({len(refused)} such)" if refused[1:] else ""))
    ends = [end for _, end in items(content)]
    if (ends[-1] if ends else 0) < identity.size:
        rest = identity.size - (ends[-1] if ends else 0)
        found.problems.append(f"{rest} bytes at the end are no whole message; cut off?")
    return found


def _take(found: _Found, event: object, content: NDArray[np.uint8]) -> None:
    """Note what a message told."""
    if isinstance(event, Started) and found.started is None:
        found.started, found.series = event, found.series or event.series
    if not isinstance(event, Arrived):
        return
    if found.series is None:
        found.series = event.series
    if event.series != found.series:
        other = f"frames of other series than {found.series} are left out"
        if other not in found.problems:
            found.problems.append(other)
        return
    at = _place(event.payload, content)
    if at is None or event.frame in found.frames:
        what = "is repeated" if at is not None else "does not lie in one piece"
        found.problems.append(f"frame {event.frame} {what} and is left out")
        return
    kind = (event.sig_shape, event.dtype)
    found.frames[event.frame] = (kind, event.encoding, at, len(event.payload))


def _place(payload: memoryview, content: NDArray[np.uint8]) -> int | None:
    """Where in the file a payload lies, if the protocol did not copy it."""
    if not len(payload):
        return None
    at = int(np.frombuffer(payload, np.uint8).ctypes.data - content.ctypes.data)
    return at if 0 <= at <= len(content) - len(payload) else None


def _segments(
    identity: FileIdentity, found: _Found
) -> tuple[tuple[tuple[int, ...], np.dtype[Any]], tuple[Segment, ...]]:
    """Frames in a row of one encoding as one segment each, and what the frames are."""
    usual = next(iter(found.frames.values()))[0]
    odd = [number for number, frame in found.frames.items() if frame[0] != usual]
    if odd:
        found.problems.append(f"{len(odd)} frames are of another shape or type and left out")
    numbers = sorted(set(found.frames) - set(odd))
    runs: list[list[int]] = []
    for number in numbers:
        encoding = found.frames[number][1]
        follows = runs and runs[-1][-1] == number - 1
        if follows and found.frames[runs[-1][-1]][1] == encoding:
            runs[-1].append(number)
        else:
            runs.append([number])
    (shape, dtype), segments = usual, []
    for run in runs:
        encoding = found.frames[run[0]][1]
        storage = ChunkedFrames(
            identity,
            np.array([found.frames[n][2] for n in run], dtype=np.int64),
            np.array([found.frames[n][3] for n in run], dtype=np.int64),
            encoding.codec,
            math.prod(shape),
            dtype.newbyteorder(">") if encoding.big_endian else dtype,
        )
        segments.append(Segment(run[0], storage, 0, len(run)))
    return (shape, dtype), tuple(segments)


def _trial(segment: Segment, pixels: int, dtype: np.dtype[Any]) -> str:
    """Decode the first frame: what is wrong with it, if anything."""
    piece = segment.storage.piece(segment.first, segment.first + 1).open()
    try:
        piece.read(np.zeros(1, np.int64), np.empty((1, pixels), dtype))
    except UndecodableFrames as finding:
        return finding.reason
    finally:
        piece.close()
    return ""
