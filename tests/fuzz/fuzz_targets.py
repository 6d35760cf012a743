"""What is fuzzed: good messages of each kind, and what must hold for bad ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framefold.errors import ProtocolError
from framefold.kernels import mpx
from framefold.live.inbox import Inbox
from framefold.live.zmtp import GREETING, READY, Handshake, command
from framefold.protocols import Arrived, WireProtocol, protocols
from framefold.protocols.batch import Messages
from framefold.testing.protocol_tests import check_event
from framefold_simulators import jungfraujoch, merlin, plain, simplon_v1, simplon_v2
from framefold_simulators.series import Series

Message = Sequence[bytes]


@dataclass(frozen=True)
class Target:
    """Something that takes bytes from a network.

    Parameters
    ----------
    good : sequence of messages
        What it should be sent.
    make : callable
        A new one: given a message, it returns what became of that, in a word.
    """

    good: Sequence[Message]
    make: Callable[[], Callable[[Message], str]]


class Read:
    """A protocol that messages are fed to one by one."""

    def __init__(self, name: str, good: Sequence[Message]) -> None:
        self._protocol: WireProtocol = protocols.load(name)()
        self._good = good
        self._fed = 0
        self._expected = self._frames()

    def _frames(self) -> list[bytes]:
        found = []
        for number, message in enumerate(self._good):
            try:
                events = self._protocol.feed(message)
            except ProtocolError:
                # something that was cut off before may swallow it
                assert number == 0, "a good message is refused"
                events = self._protocol.feed(message)
            found += [bytes(e.payload) for e in events if isinstance(e, Arrived)]
        return found

    def __call__(self, message: Message) -> str:
        self._fed += 1
        if self._fed % 1000 == 0:
            assert self._frames() == self._expected, "good messages mean something else now"
        try:
            events = self._protocol.feed(message)
        except ProtocolError as error:
            return error.kind
        for event in events:
            check_event(event, message)
        return "-".join(type(event).__name__.lower() for event in events) or "nothing"


class Known:
    """A pattern, asked for each message; what it knows is read in full and compared."""

    def __init__(self, name: str, good: Sequence[Message]) -> None:
        self._make = protocols.load(name)
        self._good = good
        self._header = good[0]
        learnt = self._make()
        for message in good[:2]:
            learnt.feed(message)
        self._pattern = learnt.pattern
        assert self._pattern is not None

    def __call__(self, message: Message) -> str:
        if not message:
            return "nothing"
        sizes = [len(part) for part in message]
        parts = np.empty((len(sizes), 2), np.int64)
        parts[:, 1] = sizes
        parts[0, 0] = 0
        parts[1:, 0] = np.cumsum(sizes[:-1])
        memory = np.frombuffer(b"".join(message), np.uint8)
        found = self._pattern.images(Messages(memory, np.array([0, len(sizes)]), parts))
        if not len(found):
            return "unknown"
        full = self._make()
        full.feed(self._header)
        (event, *_) = full.feed(message)
        single = found.single(0)
        for fact in ("series", "frame", "encoding", "sig_shape", "dtype"):
            assert getattr(event, fact) == getattr(single, fact), fact
        assert bytes(event.payload) == bytes(single.payload), "other pixels"
        return "known"


def in_zmtp(message: Message) -> bytes:
    """A message as ZMTP has it on the wire."""
    frames = []
    for number, part in enumerate(message):
        more = number < len(message) - 1
        long = len(part) > 255 or number % 3 == 2
        head = bytes([more | long << 1]) + len(part).to_bytes(8 if long else 1, "big")
        frames.append(head + part)
    return b"".join(frames)


def by_the_book(data: bytes, limit: int) -> tuple[list[list[bytes]], list[bytes], bool]:
    """Messages, commands, and whether the rest is no ZMTP; frame by frame, as RFC 23 says."""
    messages: list[list[bytes]] = []
    commands: list[bytes] = []
    parts: list[bytes] = []
    at = begin = 0  # where we are, and where the message begins that we are in
    while at + 2 <= len(data):
        flags = data[at]
        if flags > 7 or (flags & 4 and flags & 1):
            return messages, commands, True
        head = 9 if flags & 2 else 2
        if at + head > len(data):
            break
        size = int.from_bytes(data[at + 1 : at + head], "big")
        if size > limit or at + head + size - begin > limit:
            return messages, commands, True
        if at + head + size > len(data):
            break
        body = data[at + head : at + head + size]
        at += head + size
        if flags & 4:
            commands.append(body)
        else:
            parts.append(body)
            if not flags & 1:
                messages.append(parts)
                parts = []
        if not parts:
            begin = at
    return messages, commands, False


class Zmtp:
    """Inboxes for ZMTP, given a connection's bytes in pieces, beside a reader by the book."""

    limit = 1 << 30

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._inboxes = itertools.cycle([Inbox(size) for size in (64, 200, 1024)])

    def __call__(self, message: Message) -> str:
        data = b"".join(message)
        inbox = next(self._inboxes)
        inbox.clear()
        found, faulty = received(inbox, data, self._rng)
        messages, commands, is_bad = by_the_book(data, self.limit)
        assert found == messages, "other messages"
        assert faulty == is_bad, "faults"
        assert inbox.commands == commands, "other commands"
        return f"{'bad' if is_bad else 'fine'}-{min(len(found), 3)}-{min(len(commands), 2)}"


class Mpx:
    """Inboxes for Merlin's messages; whatever came, good ones behind it are found."""

    limit = 512

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._inboxes = itertools.cycle(
            [Inbox(size, self.limit, mpx.split) for size in (64, 200, 1024)]
        )

    def __call__(self, message: Message) -> str:
        data = b"".join(message)
        inbox = next(self._inboxes)
        inbox.clear()
        found, faulty = received(inbox, data, self._rng)
        assert not faulty
        assert sum(len(part) for one in found for part in one) <= len(data)
        # as much as the longest message that could be waited for, and one more
        good = b"MQ1," + b"x" * 300
        behind, _ = received(inbox, mpx_of(good) * 3, self._rng)
        assert behind, "nothing is found any more"
        assert behind[-1] == [good], "a good message is not found again"
        return f"{min(len(found), 5)}-messages"


def received(inbox: Inbox, data: bytes, rng: Any) -> tuple[list[list[bytes]], bool]:
    """What an inbox gives for bytes in pieces, and whether it refuses the rest."""
    found: list[list[bytes]] = []
    at = 0
    grain = 1 << int(rng.integers(5, 14))
    while at < len(data):
        room = inbox.room()
        count = min(len(room), len(data) - at, grain)
        assert count > 0, "no room"
        assert len(room) <= 8 * len(data) + 16384, "room for more than ever came"
        room[:count] = data[at : at + count]
        inbox.came(count)
        at += count
        try:
            while (messages := inbox.messages()) is not None:
                found += [messages.copied(n) for n in range(len(messages))]
                inbox.take(len(messages))
        except ProtocolError:
            return found, True
    return found, False


class Introduced:
    """The handshake of a connection, given its bytes in pieces."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def __call__(self, message: Message) -> str:
        data = b"".join(message)
        handshake, heard, at = Handshake(), b"", 0
        try:
            while at < len(data) and not handshake.is_done:
                piece = int(self._rng.integers(1, 100))
                heard, at = heard + data[at : at + piece], at + piece
                while not handshake.is_done:
                    used, reply = handshake.take(heard)
                    assert 0 <= used <= len(heard)
                    assert len(reply) < 1000
                    if not used:
                        break
                    heard = heard[used:]
        except ProtocolError as error:
            return error.kind
        return "done" if handshake.is_done else "more"


def mpx_of(payload: bytes) -> bytes:
    """A Merlin's message behind its prefix."""
    return b"MPX,%010d," % (len(payload) + 1) + payload


def _series(compression: str = "bslz4", sig: tuple[int, int] = (6, 8), **more: Any) -> Series:
    return Series(7, (2, 3), sig, np.dtype("u2"), compression, **more)


def _stack(sig: tuple[int, int] = (6, 8)) -> Any:
    return np.random.default_rng(4).integers(0, 99, (6, *sig)).astype("u2")


def _good() -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    found["simplon-v1"] = [
        *simplon_v1.of_stack(_series(header_detail="basic", appendix="x"), _stack())
    ]
    found["simplon-v1-all"] = [*simplon_v1.of_stack(_series(header_detail="all"), _stack())]
    # the table of count rates is long, and like any other
    found["simplon-v1-all"][0] = found["simplon-v1-all"][0][:6]
    found["simplon-v2"] = [*simplon_v2.of_stack(_series(appendix="x"), _stack())]
    found["jungfraujoch"] = [*jungfraujoch.of_stack(_series(), _stack())]
    found["plain"] = [*plain.of_stack(_series(checksums=True), _stack())]
    found["plain-json"] = [
        [b'{"htype":"start","series":"a","frames":6,"nav_shape":[2,3],"dtype":"<u2"}'],
        *(plain.array_of("a", n, frame) for n, frame in enumerate(_stack())),
        [b'{"htype":"end","series":"a","images_sent":6}'],
    ]
    for name, compression, sig in (("merlin", "none", (3, 8)), ("merlin-r64", "r64-12", (1, 256))):
        whole = merlin.of_stack(_series(compression, sig), _stack(sig))
        found[name] = [[b"".join(parts)[15:].replace(b" " * 100, b"")] for parts in whole]
    return found


GOOD = _good()
PROTOCOLS = {
    "simplon-v1": "simplon-v1", "simplon-v1-all": "simplon-v1", "simplon-v2": "simplon-v2",
    "jungfraujoch": "jungfraujoch", "plain": "plain", "plain-json": "plain", "merlin": "merlin",
    "merlin-r64": "merlin",
}  # fmt: skip


def targets() -> dict[str, Target]:
    """All of them by name."""
    found = {}
    for name, language in PROTOCOLS.items():
        good = GOOD[name]
        found[name] = Target(good, lambda n=language, g=good: Read(n, g))  # type: ignore[misc]
    for name in ("simplon-v1", "simplon-v2", "plain", "merlin"):
        good = GOOD[name]
        images = [m for m in good if _is_image(name, m)]
        found[f"{name}-pattern"] = Target(
            images,
            lambda n=name, g=good: Known(n, g),  # type: ignore[misc]
        )
    ping = bytes([4, 8]) + b"\x04PING\x00\x0ax"
    streams: list[list[Message]] = [
        [[b"head", b"x" * 20], [b"a" * 260, b"", b"c"], [b"end"]],
        [[b"one"], [b"two", b"2" * 40], [b"three", b"3", b""]],
    ]
    found["zmtp"] = Target(
        [[in_zmtp(one), ping, in_zmtp(two), in_zmtp(three)] for one, two, three in streams], Zmtp
    )
    short = [m[0][:60] for name in ("merlin", "merlin-r64") for m in GOOD[name]]
    found["mpx"] = Target([[mpx_of(m) for m in short[:3]], [mpx_of(m) for m in short[6:9]]], Mpx)
    found["handshake"] = Target(
        [[GREETING, READY, ping], [GREETING, command(b"READY", b""), command(b"ERROR", b"\1x")]],
        Introduced,
    )
    return found


def _is_image(name: str, message: Message) -> bool:
    protocol = protocols.load(name)()
    events = protocol.feed(message)
    return bool(events) and isinstance(events[0], Arrived)
