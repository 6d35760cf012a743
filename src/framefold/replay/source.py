"""ReplaySource: the messages of any recording, as they came or as a detector would send them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framefold.errors import ParameterError, ProtocolError, UnknownNameError
from framefold.formats import FORMATS, open_dataset, recognise
from framefold.protocols import Arrived, Part, WireProtocol
from framefold.protocols import recognise as language_of
from framefold.replay.pace import Pace
from framefold.replay.simplon import LANGUAGES, SimplonMessages
from framefold.wirelog import WireLog

Timed = tuple[Sequence[Part], float | None]
"""The parts of a message, and when it was recorded, since the first one [s]."""


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """What is played, and how.

    Parameters
    ----------
    path : str
        The recording.
    language : str or None
        ``"simplon-v1"`` or ``"simplon-v2"``; None for the messages as they were recorded, or
        stream v2 where the recording has frames only.
    pace : Pace
    skip, limit : int
        Images left out at the start, and images that are played then; -1 for all of them.
        Headers and ends are played in any case.
    loop : int
        How often it is played; 0 for without end.
    opening : mapping
        What must be said of the recording to open it, as `Context.load` takes it.

    Raises
    ------
    ParameterError
        If a number is negative.
    UnknownNameError
        If there is no such language to play in.
    """

    path: str
    language: str | None = None
    pace: Pace = field(default_factory=Pace)
    skip: int = 0
    limit: int = -1
    loop: int = 1
    opening: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.language is not None and self.language not in LANGUAGES:
            raise UnknownNameError("protocol to replay as", self.language, LANGUAGES)
        if self.skip < 0 or self.limit < -1 or self.loop < 0:
            raise ParameterError(
                f"skip={self.skip}, limit={self.limit}, loop={self.loop}: these count"
            )

    def messages(self) -> Iterator[Timed]:
        """The messages, again and again if they loop.

        Raises
        ------
        DataError
            If the recording cannot be read.
        ParameterError
            If its frames cannot be sent in this language.
        """
        rounds = 0
        while not self.loop or rounds < self.loop:
            chosen = self._chosen(self._all(rounds + 1))
            yield from chosen
            rounds += 1

    def _all(self, series: int) -> Iterator[Timed]:
        if self.language is None:
            kept = kept_messages(self.path, self.opening.get("format", "auto"))
            if kept is not None:
                yield from kept
                return
        # an error in the recording should be heard of before the first message
        data = open_dataset(self.path, **self.opening)
        made = LANGUAGES[self.language or "simplon-v2"](SimplonMessages(data, series))
        for parts in made:
            yield parts, None

    def _chosen(self, messages: Iterator[Timed]) -> Iterator[Timed]:
        if not self.skip and self.limit < 0:
            yield from messages
            return
        last = None if self.limit < 0 else self.skip + self.limit
        images, judge = 0, _Judge()
        for parts, moment in messages:
            if judge.is_image(parts):
                images += 1
                if images <= self.skip or (last is not None and images > last):
                    continue
            yield parts, moment


class _Judge:
    """Tells images from other messages."""

    def __init__(self) -> None:
        self._language: WireProtocol | None = None

    def is_image(self, parts: Sequence[Part]) -> bool:
        try:
            if self._language is None or not self._language.understands(parts[0]):
                self._language = language_of(parts[0])
            return any(isinstance(event, Arrived) for event in self._language.feed(parts))
        except ProtocolError:
            return False  # damaged: played as it is


def kept_messages(path: str | os.PathLike[str], format: str = "auto") -> Iterator[Timed] | None:  # noqa: A002 - the word users know
    """The messages of a recording that has some; None for one that has frames only.

    Raises
    ------
    DataError
        If the recording cannot be read.
    """
    name = recognise(path)[0] if format == "auto" else format
    if name == "wire_log":
        return _logged(WireLog(path))
    read = getattr(FORMATS.load(name), "messages", None)
    return None if read is None else ((parts, None) for parts in read(path))


def _logged(log: WireLog) -> Iterator[Timed]:
    start: int | None = None
    for message in log:
        start = message.monotonic_ns if start is None else start
        yield message.parts, (message.monotonic_ns - start) * 1e-9
