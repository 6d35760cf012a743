"""FaultySeries: faults at work in one series; what reaches the client, and in what state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from framefold.faults.faults import CHANCES, MOMENTS, Faults

_GARBLED = 32  # bytes at the beginning of a message that say what it is
_AT_ONCE = 256  # images whose chances are drawn together; drawn singly they cost half the time
_NOTHING = (dict.fromkeys(CHANCES, False), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing is sent for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reboot:
    """Every connection is closed, and nobody answers for so many seconds."""

    seconds: float


Part = bytes | memoryview
Message = Sequence[Part]
"""The parts of a message."""

Step = Message | Stall | Reboot
"""The parts of a message to send, or what happens instead."""


class FaultySeries:
    """Messages of one series in, what reaches the client out; no socket, no clock.

    Parameters
    ----------
    faults : Faults
        What goes wrong.
    taken : int
        Which series of the detector it is, from 1; each has its own chances.

    Attributes
    ----------
    frames : int
        Images that were sent, as far as the detector knows.
    interrupted : str
        Which of ``abort``, ``rearm`` and ``reboot`` broke it off; empty while none did.
    lost, damaged : list of int
        Frames that did not reach the client; that reached it other than they are.
    """

    def __init__(self, faults: Faults, taken: int = 1) -> None:
        self._faults = faults = Faults() if faults.spares(taken) else faults
        self._chances = self._drawn(taken)
        self._moments = sorted(
            (at, name) for name in MOMENTS if (at := getattr(faults, name)) is not None
        )
        self._header: Message | None = None  # held back
        self._held: list[tuple[int, Message]] = []  # when each is due, in that order
        self.frames = 0  # images that were due so far
        self._turn = 0  # messages that went to any client
        self.interrupted = ""
        self.lost: list[int] = []
        self.damaged: list[int] = []

    def announced(self, frames: int) -> int:
        """How many frames the header promises, where there are so many."""
        return max(0, frames + self._faults.miscount)

    def opening(self, header: Message) -> Iterator[Step]:
        """What the client gets before the images."""
        faults = self._faults
        if faults.header_after is not None:
            self._header = header
        elif not faults.no_header and faults.join is None:
            yield from self._ours(header)

    def images(
        self,
        messages: Iterable[tuple[int, Message]],
        mislabelled: Callable[[int], Message] | None = None,
    ) -> Iterator[Step]:
        """Images as they reach the client; may be called for one portion after the other.

        Parameters
        ----------
        messages : iterable of (int, sequence of parts)
            Frame number and parts of each image.
        mislabelled : callable or None
            Makes the message of a frame with a wrong pixel type; none are wrong without it.

        Yields
        ------
        sequence of parts, Stall or Reboot
            What happens next.
        """
        for number, message in messages:
            yield from self._moment()
            if self.interrupted:
                return
            yield from self._image(number, message, mislabelled)
            self.frames += 1
            yield from self._due()

    def closing(self, end: Message) -> Iterator[Step]:
        """What the client gets after the images."""
        yield from self._moment()  # one that comes when all frames are through
        if self.interrupted in ("rearm", "reboot"):
            return
        if self._faults.late_by is not None:
            yield from self._all_held()
        if self._header is not None:
            yield from self._ours(self._header)
        if not self._faults.no_end:
            yield from self._ours(end)
        yield from self._all_held()

    def _moment(self) -> Iterator[Step]:
        """What is to happen before the next image."""
        while self._moments and self._moments[0][0] <= self.frames and not self.interrupted:
            _, what = self._moments.pop(0)
            if what == "stall":
                yield Stall(self._faults.lasting)
            else:
                self.interrupted = what
            if what == "reboot":
                yield Reboot(self._faults.lasting)

    def _image(
        self, number: int, message: Message, mislabelled: Callable[[int], Message] | None
    ) -> Iterator[Step]:
        happens, where, what = next(self._chances)
        if happens["drop"] or self.frames < (self._faults.join or 0):
            self.lost.append(number)
            return
        parts = message
        if happens["mislabel"] and mislabelled is not None:
            parts = mislabelled(number)
        if happens["truncate"]:
            parts = _with_longest(parts, lambda part: part[: int(where * len(part))])
        if happens["corrupt"]:
            parts = _with_longest(parts, lambda part: _one_changed(part, where, what))
        if happens["garble"]:
            start, rest = bytes(parts[0][:_GARBLED]), bytes(parts[0][_GARBLED:])
            parts = [bytes(b ^ 0xA5 for b in start) + rest, *parts[1:]]
        if parts is not message:
            self.damaged.append(number)
        reaching = [copy for _ in range(1 + happens["duplicate"]) for copy in self._ours(parts)]
        if not reaching:
            self.lost.append(number)
        if happens["late"]:
            due = self.frames + (self._faults.late_by or 0)
            self._held += [(due, copy) for copy in reaching]
        else:
            yield from reaching

    def _drawn(self, taken: int) -> Iterator[tuple[dict[str, bool], float, float]]:
        """What happens to each image, and where in it and how; one after the other, for ever."""
        faults = self._faults
        chances = np.array([getattr(faults, name) for name in CHANCES])
        rng = np.random.default_rng((faults.seed, 3, taken))
        while not chances.any():
            yield _NOTHING
        while True:
            # drawn for every message alike, so that one kind of fault does not move the others
            drawn = rng.random((_AT_ONCE, len(CHANCES) + 2))
            happens = drawn[:, :-2] < chances
            some = set(np.flatnonzero(happens.any(axis=1)).tolist())
            for each, (row, one) in enumerate(zip(happens, drawn, strict=True)):
                if each in some:
                    yield dict(zip(CHANCES, row.tolist(), strict=True)), *one[-2:].tolist()
                else:
                    yield _NOTHING

    def _due(self) -> Iterator[Step]:
        """What was held back until this image was through."""
        after = self._faults.header_after
        if self._header is not None and after is not None and self.frames >= after:
            yield from self._ours(self._header)
            self._header = None
        if self._faults.late_by is not None:
            while self._held and self._held[0][0] < self.frames:
                yield self._held.pop(0)[1]

    def _all_held(self) -> Iterator[Step]:
        for _, parts in self._held:
            yield parts
        self._held = []

    def _ours(self, message: Message) -> Iterator[Message]:
        """The message, if it goes to our client rather than to another puller."""
        turn, self._turn = self._turn, self._turn + 1
        if turn % (1 + self._faults.pullers) == 0:
            yield message


def _with_longest(parts: Message, change: Callable[[bytes], bytes]) -> Message:
    longest = max(range(len(parts)), key=lambda i: len(parts[i]))
    return [change(bytes(part)) if i == longest else part for i, part in enumerate(parts)]


def _one_changed(part: bytes, where: float, what: float) -> bytes:
    at = int(where * len(part))
    return part[:at] + bytes(b ^ 1 + int(what * 255) for b in part[at : at + 1]) + part[at + 1 :]


def faulty(messages: Iterable[Message], faults: Faults, taken: int = 1) -> Iterator[Step]:
    """A whole series that is there already, as it reaches the client.

    Parameters
    ----------
    messages : iterable of sequence of parts
        The messages of one series, header first and end last.
    faults : Faults
        What goes wrong. ``shuffle``, ``miscount``, ``mislabel``, and what follows upon ``rearm``
        and ``reboot``, are for whoever makes the messages.
    taken : int
        Which series it is, see ``only`` there.

    Yields
    ------
    sequence of parts, Stall or Reboot
        What a `framefold.replay.outlet.Outlet` sends.
    """
    header, *images, end = messages
    series = FaultySeries(faults, taken)
    yield from series.opening(header)
    yield from series.images(enumerate(images))
    yield from series.closing(end)


def faulty_images(messages: Iterable[Message], faults: Faults) -> Iterator[Message]:
    """Image messages alone as they reach the client; nothing that happens at a moment."""
    for step in FaultySeries(faults.without_moments()).images(enumerate(messages)):
        if not isinstance(step, Stall | Reboot):
            yield step
