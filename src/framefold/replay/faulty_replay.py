"""Faults on top of a recording: what a simulated detector does wrong, with real frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from framefold.errors import ProtocolError
from framefold.faults.faults import Faults
from framefold.faults.faulty_series import FaultySeries, Message, Reboot, Stall, Step
from framefold.protocols import Arrived, Ended, Part, Started, WireProtocol
from framefold.protocols import recognise as language_of
from framefold.replay.retelling import mislabelled, recounted

Timed = tuple[Message, float | None]
"""The parts of a message, and when it was recorded, since the first one [s]."""

TimedStep = Timed | Stall | Reboot
"""A message, or what happens instead."""

_AGAIN = ("rearm", "reboot")


class Judge:
    """Tells headers, images and ends from one another."""

    def __init__(self) -> None:
        self._language: WireProtocol | None = None

    def of(self, parts: Message) -> Started | Arrived | Ended | None:
        """What a message is; None for one that makes no sense, or has other things to tell."""
        try:
            if self._language is None or not self._language.understands(parts[0]):
                self._language = language_of(parts[0])
            for event in self._language.feed(parts):
                if isinstance(event, Started | Arrived | Ended):
                    return event
        except ProtocolError:
            pass  # damaged: it is played as it is
        return None


@dataclass(slots=True)
class _Series:
    """The series at hand."""

    faulty: FaultySeries
    faults: Faults
    waiting: list[tuple[int, Message, float | None]]  # images that are to be shuffled


class FaultyReplay:
    """Plays recordings with faults; series are counted over all of them.

    Parameters
    ----------
    faults : Faults
        Shuffling holds all images of a series until its end.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._taken = 0

    def played(self, make: Callable[[], Iterable[Timed]]) -> Iterator[TimedStep]:
        """A recording as it reaches whoever listens.

        Parameters
        ----------
        make : callable
            Gives its messages, from the first; asked again when a fault has the detector begin
            anew.

        Yields
        ------
        tuple, Stall or Reboot
        """
        again = yield from self._once(make(), self._faults)
        if again:
            yield from self._once(make(), self._faults.without_moments())

    def _once(self, messages: Iterable[Timed], faults: Faults) -> Generator[TimedStep, None, bool]:
        """Whether the detector is to begin anew."""
        judge, series = Judge(), None
        for parts, moment in messages:
            what = judge.of(parts)
            if isinstance(what, Started):
                if series is not None:
                    yield from _shuffled(series)
                series = self._begun(faults)
                header = recounted(parts, series.faulty.announced) if faults.miscount else parts
                yield from _stamped(series.faulty.opening(header), moment)
            elif isinstance(what, Arrived):
                if series is None:
                    series = self._begun(faults)  # the recording lacks the header
                image = (what.frame, parts, moment)
                if faults.shuffle is None:
                    yield from _sent(series, [image])
                else:
                    series.waiting.append(image)
            elif isinstance(what, Ended) and series is not None:
                yield from _shuffled(series)
                yield from _stamped(series.faulty.closing(parts), moment)
                if series.faulty.interrupted in _AGAIN:
                    return True
                series = None
            else:
                yield parts, moment
            if series is not None and series.faulty.interrupted in _AGAIN:
                return True
        if series is not None:
            yield from _shuffled(series)
        return False

    def _begun(self, faults: Faults) -> _Series:
        self._taken += 1
        return _Series(FaultySeries(faults, self._taken), faults, [])


def _shuffled(series: _Series) -> Iterator[TimedStep]:
    """The images that waited, in the order of the faults, at the moments that they came."""
    waiting, series.waiting = series.waiting, []
    order = series.faults.order(len(waiting))
    images = [
        (*waiting[int(i)][:2], moment) for i, (_, _, moment) in zip(order, waiting, strict=True)
    ]
    yield from _sent(series, images)


def _sent(series: _Series, images: list[tuple[int, Message, float | None]]) -> Iterator[TimedStep]:
    for number, parts, moment in images:
        steps = series.faulty.images([(number, parts)], partial(_mislabelled, parts))
        yield from _stamped(steps, moment)


def _mislabelled(parts: Message, _: int) -> list[Part]:
    return mislabelled(parts)


def _stamped(steps: Iterable[Step], moment: float | None) -> Iterator[TimedStep]:
    for step in steps:
        yield step if isinstance(step, Stall | Reboot) else (step, moment)
