"""ProtocolTests: a test class to inherit from, for everything that reads a detector's language."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import decode_one
from framefold.errors import ProtocolError
from framefold.protocols import Arrived, Ended, Event, Started, WireProtocol, recognise
from framefold.protocols.batch import Messages
from framefold.testing.hostile import hostile_messages
from framefold.testing.trial import travelled


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """One series as a detector sends it.

    Parameters
    ----------
    messages : sequence of sequence of bytes
        The parts of each message: the announcement, the frames in order, the end if there is one.
    frames : ndarray, shape (n, rows, columns)
        What was measured.
    """

    messages: Sequence[Sequence[bytes]]
    frames: NDArray[Any]


class ProtocolTests:
    """Tests of what holds for every detector language, whatever it looks like.

    Inherit from it in a test file of pytest and define a fixture ``sent``: a whole series, and the
    frames in it, numbered from 0 without a gap.

    Attributes
    ----------
    language : type
        The class under test.
    channel : str or None
        Which of several images in a message it takes.
    is_recognised : bool
        Whether the first message tells the language; False where another claims such messages.
    has_end : bool
        Whether the language says that a series is over.
    needs_header : bool
        Whether frames mean nothing without their announcement.
    has_pattern : bool
        Whether many images are known at once.
    unknown : sequence of bytes
        A message that the language does not have.
    cases, seed : int
        Of hostile messages.
    """

    language: ClassVar[type[WireProtocol]]
    channel: ClassVar[str | None] = None
    is_recognised: ClassVar[bool] = True
    has_end: ClassVar[bool] = True
    needs_header: ClassVar[bool] = False
    has_pattern: ClassVar[bool] = True
    unknown: ClassVar[Sequence[bytes]] = (b"no such message", b"")
    cases: ClassVar[int] = 1500
    seed: ClassVar[int] = 0

    def made(self) -> WireProtocol:
        """A new object of the language."""
        return self.language(self.channel)

    def test_is_recognised(self, sent: Sent) -> None:
        """Every message of the series is understood, and the first one tells the language."""
        if self.is_recognised:
            assert type(recognise(sent.messages[0][0])) is self.language
        for message in sent.messages:
            assert self.language.understands(message[0])
        assert not self.language.understands(b"")

    def test_tells_the_series(self, sent: Sent) -> None:
        """An announcement, every frame with its pixels, and the end."""
        events = told(self.made(), sent.messages)
        started = [event for event in events if isinstance(event, Started)]
        arrived = [event for event in events if isinstance(event, Arrived)]
        assert isinstance(events[0], Started), "the announcement comes first"
        assert len(started) == 1, "one announcement for a series"
        assert [event.frame for event in arrived] == list(range(len(sent.frames)))
        for event in arrived:
            found = decode_one(event.encoding, event.payload, event.dtype, event.sig_shape)
            np.testing.assert_array_equal(found, sent.frames[event.frame])
        assert started[0].frames in (None, len(sent.frames))
        assert started[0].sig_shape in (None, sent.frames.shape[1:])
        assert started[0].dtype in (None, sent.frames.dtype)
        assert {event.series for event in events} == {started[0].series}, "one identity for all"
        assert isinstance(events[-1], Ended) == self.has_end, "the end comes last"

    def test_announcements_travel(self, sent: Sent) -> None:
        """What is told of a series crosses a pipe."""
        (started,) = [e for e in told(self.made(), sent.messages) if isinstance(e, Started)]
        assert travelled(started).series == started.series

    def test_pixels_are_those_of_the_message(self, sent: Sent) -> None:
        """A frame's bytes are a piece of its message, not a copy that somebody has to hold."""
        protocol = self.made()
        for message in sent.messages:
            for event in protocol.feed(message):
                if isinstance(event, Arrived):
                    assert any(bytes(event.payload) in bytes(part) for part in message)

    def test_frames_come_in_any_order(self, sent: Sent) -> None:
        """A frame says the same wherever it comes."""
        first, *images, last = self._split(sent)
        rng = np.random.default_rng(self.seed)
        shuffled = [images[i] for i in rng.permutation(len(images))]
        one = told(self.made(), [first, *images, last] if last else [first, *images])
        other = told(self.made(), [first, *shuffled, last] if last else [first, *shuffled])
        assert _frames(one) == _frames(other)

    def test_a_late_client_is_told_the_same(self, sent: Sent) -> None:
        """Who joins in the middle of a series hears the same of its frames."""
        if self.needs_header:
            return
        whole = _frames(told(self.made(), sent.messages))
        _, *images, _ = self._split(sent)
        joined = told(self.made(), images[len(images) // 2 :])
        assert _frames(joined) <= whole
        assert joined

    def test_what_is_unknown_is_refused(self, sent: Sent) -> None:
        """A message that makes no sense is told of, and the next one is read as ever."""
        expected = _frames(told(self.made(), sent.messages))
        protocol = self.made()
        events: list[Event] = []
        for message in sent.messages:
            assert self.refuses(protocol, self.unknown), f"{self.unknown} was taken"
            events += protocol.feed(message)
        assert _frames(events) == expected

    def test_hostile_messages(self, sent: Sent) -> None:
        """Whatever comes is read or refused, and good messages mean the same afterwards."""
        self.attack(sent, self.cases, self.seed)

    def attack(self, sent: Sent, cases: int, seed: int) -> None:
        """Feed hostile messages, and look again and again whether good ones are still read."""
        expected = _frames(told(self.made(), sent.messages))
        protocol = self.made()
        for number, message in enumerate(
            itertools.islice(hostile_messages(sent.messages, seed), cases)
        ):
            try:
                for event in protocol.feed(message):
                    check_event(event, message)
            except ProtocolError:
                pass
            except Exception as error:
                shown = [part[:2000] for part in message]
                raise AssertionError(f"case {number} of seed {seed}: {shown!r}") from error
            self.check_pattern(protocol, sent.messages, message)
            if number % 500 == 499:
                assert _frames(told_again(protocol, sent.messages)) == expected, f"after {number}"

    def check_pattern(
        self, protocol: WireProtocol, good: Sequence[Sequence[bytes]], message: Sequence[bytes]
    ) -> None:
        """What is known many at a time is what a message means."""
        pattern = protocol.pattern
        if pattern is None:
            return
        found = pattern.images(laid_out([message, good[len(good) // 2]]))
        if len(found):
            single = found.single(0)
            event = next(e for e in protocol.feed(message) if isinstance(e, Arrived))
            assert _key(event) == _key(single), "the pattern says something else"

    def test_many_at_once(self, sent: Sent) -> None:
        """Images that are known many at a time mean what they mean one by one."""
        protocol = self.made()
        first, *images, _ = self._split(sent)
        events = told(protocol, [first, *images[:1]])
        pattern = protocol.pattern
        assert (pattern is not None) == self.has_pattern
        if pattern is None:
            return
        found = pattern.images(laid_out(images))
        assert len(found) >= len(images) - 1, "the last one may end the series"
        one_by_one = told(protocol, images)
        arrived = [event for event in one_by_one if isinstance(event, Arrived)]
        for i in range(len(found)):
            assert _key(found.single(i)) == _key(arrived[i])
        assert events

    def test_memory(self, sent: Sent) -> None:
        """A message costs a few times its own length, whatever it claims."""
        worst = 64 << 10
        hostile = list(itertools.islice(hostile_messages(sent.messages, self.seed + 1), 300))
        protocol = self.made()
        told_again(protocol, sent.messages)
        tracemalloc.start()
        try:
            for message in hostile:
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
                self.refuses(protocol, message)
                _, peak = tracemalloc.get_traced_memory()
                allowed = worst + 20 * sum(map(len, message))
                assert peak - before < allowed, f"{peak - before} bytes for {message!r:.2000}"
        finally:
            tracemalloc.stop()

    def refuses(self, protocol: WireProtocol, message: Sequence[bytes]) -> bool:
        """Whether a message is refused, in the way it should be."""
        try:
            protocol.feed(message)
        except ProtocolError as error:
            return bool(error.kind and error.detail)
        return False

    def _split(self, sent: Sent) -> list[Sequence[bytes]]:
        """The announcement, the images, and the end, which is empty where there is none."""
        return list(sent.messages) if self.has_own_end(sent) else [*sent.messages, []]

    def has_own_end(self, sent: Sent) -> bool:
        """Whether the last message is one that only says that the series is over."""
        return not any(isinstance(e, Arrived) for e in told(self.made(), sent.messages[-1:]))


def told(protocol: WireProtocol, messages: Iterable[Sequence[bytes]]) -> list[Event]:
    """What messages tell."""
    return [event for message in messages for event in protocol.feed(message)]


def told_again(protocol: WireProtocol, messages: Iterable[Sequence[bytes]]) -> list[Event]:
    """What messages tell when something unfinished went before: that may cost the first one."""
    events: list[Event] = []
    for number, message in enumerate(messages):
        try:
            events += protocol.feed(message)
        except ProtocolError:
            assert number == 0, "a good message was refused"
            events += protocol.feed(message)
    return events


def check_event(event: Event, message: Sequence[bytes]) -> None:
    """Whether an event is one that a receiver can work with, and no larger than its message."""
    assert isinstance(event.series, str)
    assert event.series
    if isinstance(event, Arrived):
        assert len(event.sig_shape) == 2
        assert 0 <= event.frame <= 2**53
        assert 0 < event.sig_shape[0] * event.sig_shape[1] <= 2**31
        assert len(event.payload) <= sum(map(len, message))
    elif isinstance(event, Started):
        assert event.sig_shape is None or min(event.sig_shape) > 0
        assert event.frames is None or event.frames >= 0


def laid_out(messages: Sequence[Sequence[bytes]]) -> Messages:
    """Messages in one piece of memory, as a connection has them."""
    parts = [part for message in messages for part in message]
    lengths = [len(part) for part in parts]
    starts = np.cumsum([3, *lengths])[:-1]
    first = np.cumsum([0, *map(len, messages)])
    memory = np.frombuffer(b"###" + b"".join(map(bytes, parts)), np.uint8)
    table = np.array([*zip(starts, lengths, strict=True)], np.int64).reshape(-1, 2)
    return Messages(memory, first, table)


def _key(event: Arrived) -> tuple[object, ...]:
    return (
        event.series, event.frame, bytes(event.payload), event.encoding, event.sig_shape,
        event.dtype.str,
    )  # fmt: skip


def _frames(events: Iterable[Event]) -> set[tuple[object, ...]]:
    """The frames that were told of; who counts series by itself may count them anew."""
    return {_key(event)[1:] for event in events if isinstance(event, Arrived)}
