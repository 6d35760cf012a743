"""What recorded messages of a detector hold: they are read as they would be from the wire."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from framefold.codecs.pixel_masks import told_mask
from framefold.core.block import UndecodableFrames
from framefold.core.encoding import Encoding
from framefold.core.pixel_mask import checked_masked
from framefold.errors import DataError, ParameterError, ProtocolError
from framefold.formats.files import FileDataSet, Segment
from framefold.formats.opened import FileIdentity
from framefold.formats.pieces import Storage
from framefold.formats.request import Request
from framefold.formats.stack import Stack
from framefold.protocols import Arrived, Ended, Event, Started, WireProtocol, recognise

_KEPT = ("series", "notes", "beam_energy", "count_time", "frame_time", "threshold_energy",
         "detector_description", "sensor_material", "description")  # fmt: skip
"""Metadata that are told; the rest are tables of a detector's size or beside the point."""


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """An encoded frame in a recording of messages.

    Parameters
    ----------
    message : int
        Number of the message it came in.
    place : int
        Where it begins, in terms of whoever keeps the messages [bytes].
    length : int
        How long it is [bytes].
    sig_shape : tuple of int
        Rows and columns [pixels].
    dtype : numpy.dtype
        Pixel type, machine byte order.
    encoding : Encoding
    """

    message: int
    place: int
    length: int
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    encoding: Encoding

    def is_like(self, other: KeptFrame) -> bool:
        """Whether both have the same shape and pixel type."""
        return (self.sig_shape, self.dtype) == (other.sig_shape, other.dtype)


class KeptMessages(ABC):
    """The messages of a file, in the order in which they came."""

    format: ClassVar[str]
    """Name in the table of formats."""

    @property
    @abstractmethod
    def identity(self) -> FileIdentity:
        """The file."""

    @property
    @abstractmethod
    def problems(self) -> Sequence[str]:
        """What is wrong with the file, a sentence each; complete once all messages were drawn."""

    @abstractmethod
    def __iter__(self) -> Iterator[list[memoryview]]:
        """The parts of each message."""

    @abstractmethod
    def place(self, payload: memoryview) -> int | None:
        """Where a piece of the message drawn last begins; None if it is a copy."""

    @abstractmethod
    def storage(self, frames: Sequence[KeptFrame]) -> Storage:
        """Frames of one encoding, to be fetched later."""


def data_set(
    messages: KeptMessages, request: Request, channel: str | None, series: int, masked: str
) -> FileDataSet:
    """Recorded messages as a data set; the pixels stay where they are until they are decoded.

    Parameters
    ----------
    messages : KeptMessages
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
    if channel is not None and not isinstance(channel, str):
        raise ParameterError(f"channel={channel!r} is not the name of a channel")
    if not str(series).isdigit():
        raise ParameterError(f"series={series!r}: give the number of a series in the file, from 0")
    identity = messages.identity
    found = _read(messages, channel, int(series))
    if not found.frames:
        raise DataError(
            f"{identity.path} holds {found.messages} messages, but no frame"
            + (f" of series {series}; there are {found.count}" if series else "")
            + (f": {found.problems[0]}" if found.problems else "")
        )
    kind, segments = _segments(messages, found)
    shape, dtype, started = kind.sig_shape, kind.dtype, found.started
    told = (started.frames or 0) if started else 0
    promised = max(told, *(s.number + s.count for s in segments))
    damage = _trial(segments[0], math.prod(shape), dtype)
    if damage:
        found.problems.append(f"frame {segments[0].number} does not decode: {damage}")
    metadata = dict(started.metadata) if started else {}
    return Stack(
        identity,
        messages.format,
        found.why,
        shape,
        dtype,
        segments,
        promised,
        codec="+".join(sorted({frame.encoding.codec for frame in found.frames.values()})),
        problems=tuple(found.problems),
        metadata={key: metadata[key] for key in _KEPT if key in metadata},
        mask=told_mask(metadata, shape, dtype, checked_masked(masked)),
    ).data_set(request)


@dataclass(slots=True)
class _Found:
    """What the messages tell while they are read one after another."""

    wanted: int
    """Number of the series that is looked for."""
    why: str = ""
    messages: int = 0
    count: int = 0
    """Series that were begun."""
    current: str | None = None
    """Identity of the series at hand."""
    ended: set[str] = field(default_factory=set)
    began: bool = False
    """Whether frames of the series at hand came."""
    started: Started | None = None
    frames: dict[int, KeptFrame] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def is_wanted(self) -> bool:
        """Whether the series at hand is the one that is looked for."""
        return self.current is not None and self.count - 1 == self.wanted

    def begin(self, series: str) -> None:
        """A series begins."""
        if self.current is not None:
            self.ended.add(self.current)
        self.current, self.began = series, False
        self.count += 1

    def note(self, problem: str) -> None:
        """Something is wrong; said once."""
        if problem not in self.problems:
            self.problems.append(problem)


def _read(messages: KeptMessages, channel: str | None, series: int) -> _Found:
    found = _Found(series)
    language: WireProtocol | None = None
    refused: list[str] = []
    for parts in messages:
        found.messages += 1
        try:
            if language is None:
                language = recognise(parts[0], channel)
                found.why = f"begins with a message of {language.name}"
            for event in language.feed(parts):
                _take(found, event, messages)
        except ProtocolError as error:
            refused.append(f"message {found.messages - 1} makes no sense: {error}")
    if refused:
        found.note(refused[0] + (f" ({len(refused)} such)" if refused[1:] else ""))
    if found.count > 1:
        found.note(
            f"it holds {found.count} series; this is number {series}, series=N takes another"
        )
    found.problems += messages.problems
    return found


def _take(found: _Found, event: Event, messages: KeptMessages) -> None:
    """Note what a message told, as a receiver would take it."""
    if isinstance(event, Started):
        if event.series == found.current and not found.began:
            return  # said once more
        found.begin(event.series)
        if found.is_wanted:
            found.started = event
        return
    if isinstance(event, Ended):
        if event.series == found.current:
            found.ended.add(event.series)
            found.current = None
        return
    if event.series != found.current:
        if event.series in found.ended:
            found.note("frames that came after the end of their series are left out")
            return
        found.begin(event.series)  # its header was lost
    found.began = True
    if found.is_wanted:
        _keep(found, event, messages)


def _keep(found: _Found, event: Arrived, messages: KeptMessages) -> None:
    at = messages.place(event.payload) if len(event.payload) else None
    if at is None or event.frame in found.frames:
        what = "is repeated" if at is not None else "does not lie in one piece"
        found.problems.append(f"frame {event.frame} {what} and is left out")
        return
    found.frames[event.frame] = KeptFrame(
        found.messages - 1, at, len(event.payload), event.sig_shape, event.dtype, event.encoding
    )


def _segments(messages: KeptMessages, found: _Found) -> tuple[KeptFrame, tuple[Segment, ...]]:
    """What the frames are, and frames in a row of one encoding as one segment each."""
    usual = next(iter(found.frames.values()))
    odd = [number for number, frame in found.frames.items() if not frame.is_like(usual)]
    if odd:
        found.problems.append(f"{len(odd)} frames are of another shape or type and left out")
    numbers = sorted(set(found.frames) - set(odd))
    runs: list[list[int]] = []
    for number in numbers:
        follows = runs and runs[-1][-1] == number - 1
        if follows and found.frames[number - 1].encoding == found.frames[number].encoding:
            runs[-1].append(number)
        else:
            runs.append([number])
    segments = [
        Segment(run[0], messages.storage([found.frames[n] for n in run]), 0, len(run))
        for run in runs
    ]
    return usual, tuple(segments)


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
