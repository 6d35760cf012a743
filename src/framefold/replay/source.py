"""ReplaySource: the messages of any recording, as they came or as a detector would send them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from framefold.errors import DataError, ParameterError, UnknownNameError
from framefold.faults.faults import Faults
from framefold.formats import FORMATS, open_dataset, recognise
from framefold.protocols import Arrived, protocols
from framefold.protocols import recognise as language_of
from framefold.replay.faulty_replay import FaultyReplay, Judge, Timed, TimedStep
from framefold.replay.languages import LANGUAGES
from framefold.replay.pace import Pace
from framefold.replay.played_series import PlayedSeries
from framefold.wirelog import WireLog


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """What is played, and how.

    Parameters
    ----------
    path : str
        The recording.
    language : str or None
        ``"simplon-v1"``, ``"simplon-v2"``, ``"plain"`` or ``"merlin"``; None for the messages as
        they were recorded, or stream v2 where the recording has frames only.
    pace : Pace
    skip, limit : int
        Images left out at the start, and images that are played then; -1 for all of them.
        Headers and ends are played in any case.
    loop : int
        How often it is played; 0 for without end.
    faults : Faults
        What goes wrong on the way.
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
    faults: Faults = field(default_factory=Faults)
    opening: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.language is not None and self.language not in LANGUAGES:
            raise UnknownNameError("protocol to replay as", self.language, LANGUAGES)
        if self.skip < 0 or self.limit < -1 or self.loop < 0:
            raise ParameterError(
                f"skip={self.skip}, limit={self.limit}, loop={self.loop}: these count"
            )

    @property
    def transport(self) -> str:
        """How a detector with this protocol is connected: ``"mpx"``, or ZeroMQ by any other word.

        Raises
        ------
        DataError
            If the recording cannot be read.
        """
        if self.language is not None:
            return str(protocols.load(self.language).transport)
        kept = kept_messages(self.path, self.opening.get("format", "auto"))
        first = None if kept is None else next(kept, None)
        return "auto" if first is None else language_of(first[0][0]).transport

    @property
    def is_placed(self) -> bool:
        """Whether the frames lie at their scan positions, as in our own recordings."""
        named = str(self.opening.get("format", "auto"))
        try:
            return (recognise(self.path)[0] if named == "auto" else named) == "recording"
        except DataError:
            return False  # frames without a header; or nothing, and who plays it says so

    def untold(self) -> ReplaySource:
        """The same, without the table of positions: whoever plays into a stream of our own has
        told it to that. Frames go out in the order of their numbers with or without it.
        """
        opening = {name: self.opening[name] for name in self.opening if name != "positions"}
        return replace(self, opening=opening)

    def messages(self) -> Iterator[TimedStep]:
        """The messages, again and again if they loop; with faults, what happens between them.

        Raises
        ------
        DataError
            If the recording cannot be read.
        ParameterError
            If its frames cannot be sent in this language.
        """
        faulty = None if self.faults == Faults() else FaultyReplay(self.faults)
        series = count(1)

        def make() -> Iterator[Timed]:
            return self._chosen(self._all(next(series)))

        rounds = 0
        while not self.loop or rounds < self.loop:
            yield from make() if faulty is None else faulty.played(make)
            rounds += 1

    def _all(self, series: int) -> Iterator[Timed]:
        if self.language is None:
            kept = kept_messages(self.path, self.opening.get("format", "auto"))
            if kept is not None:
                yield from kept
                return
        # an error in the recording should be heard of before the first message
        data = open_dataset(self.path, **self.opening)
        made = LANGUAGES[self.language or "simplon-v2"](PlayedSeries(data, series))
        for parts in made:
            yield parts, None

    def _chosen(self, messages: Iterator[Timed]) -> Iterator[Timed]:
        if not self.skip and self.limit < 0:
            yield from messages
            return
        last = None if self.limit < 0 else self.skip + self.limit
        images, judge = 0, Judge()
        for parts, moment in messages:
            if isinstance(judge.of(parts), Arrived):
                images += 1
                if images <= self.skip or (last is not None and images > last):
                    continue
            yield parts, moment


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
