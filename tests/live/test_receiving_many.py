"""A receiver that takes images many at a time does what it does with one after another."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels import cbor_images, json_images, placing, zmtp
from framefold.kernels.warm import warm_receiving
from framefold.live.counters import Count, counters
from framefold.live.inbox import Inbox
from framefold.live.receiver import Receiver
from framefold.live.settings import MIB, StreamSettings
from framefold.live.transport import Transport
from framefold.protocols.batch import Messages
from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.series import Series
from live.test_receiver import Pipe, verbs

LANGUAGES = [simplon_v1, simplon_v2]
SIG = (8, 8)


class Wire(Transport):
    """Messages that lie in an inbox, in pieces of a few; given one by one, or as they lie."""

    connected = True

    def __init__(self, pipe: Pipe, messages: list[list[bytes]], piece: int, *, many: bool) -> None:
        self._pipe = pipe
        self._rest = deque(messages)
        self._piece = piece
        self._many = many
        self._inbox = Inbox()

    def wait(self, control: int, seconds: float | None, *, data: bool) -> tuple[bool, bool]:
        return self._pipe.poll(), data and (bool(self._rest) or self._inbox.messages() is not None)

    def _messages(self) -> Messages | None:
        found = self._inbox.messages()
        if found is not None or not self._rest:
            return found
        room = self._inbox.room()
        room[:] = b"\xee" * len(room)  # nobody may still look at what was there
        for _ in range(min(self._piece, len(self._rest))):
            parts = self._rest.popleft()
            for number, part in enumerate(parts):
                head = bytes([2 | (number + 1 < len(parts))]) + len(part).to_bytes(8)
                room[: len(head) + len(part)] = head + part
                room = room[len(head) + len(part) :]
                self._inbox.came(len(head) + len(part))
        return self._inbox.messages()

    def at_hand(self) -> Messages | None:
        return self._messages() if self._many else None

    def take(self, count: int) -> None:
        self._inbox.take(count)

    def receive(self) -> Any:
        found = self._messages()
        if found is None:
            return None
        parts = found.copied(0)
        self._inbox.take(1)
        return parts

    def close(self) -> None:
        self._rest.clear()


def blob(number: int, size: int) -> bytes:
    return number.to_bytes(4) * 3 + bytes([number % 251]) * size


def received(messages: list[list[bytes]], piece: int, *, many: bool, **facts: Any):
    """Everything that a receiver says, counts and leaves in the ring; blocks come back late."""
    pipe = Pipe()
    memory = np.zeros(MIB, np.uint8)
    given = {"nav_shape": (4, 6), "frames_per_block": 5, "ring_bytes": MIB, "block_bytes": 1 << 13}
    made = StreamSettings("nowhere", **(given | facts))
    wire = Wire(pipe, messages, piece, many=many)
    receiver = Receiver(pipe, wire, made, "ring", memory, clock=lambda: 0.0)
    heard: list[Any] = []
    quiet = 0
    while quiet < 2:
        receiver.turn()
        said, pipe.said = pipe.said, []
        quiet = 0 if said or wire.wait(0, 0, data=True)[1] else quiet + 1
        for verb, *facts_of in said:
            if verb == "block":
                block = facts_of[0]
                slot = memory[block.start : block.start + block.slot_bytes]
                table = slot[: 24 * block.rows].view(np.int64).reshape(3, -1)[:, : block.count]
                ends = table[1] + (table[2] & ((1 << 56) - 1))
                frames = [slot[a:b].tobytes() for a, b in zip(table[1], ends, strict=True)]
                heard.append((block.slot, block.encodings, table.tolist(), frames))
                pipe.orders.append(("free", block.slot))
            elif verb == "started":
                heard.append((verb, facts_of[0].scan, facts_of[0].sig_shape))
            else:
                heard.append((verb, *facts_of[1:]))
    counted = counters(memory).copy()
    # waiting for slots depends on when orders are looked at, and so on how many come at a time
    return heard, np.delete(counted, [Count.STALLS]).tolist()


@pytest.mark.parametrize("language", LANGUAGES)
class TestMany:
    """Whatever the frames, and however they come."""

    @settings(deadline=None, max_examples=60)
    @given(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=60),
        st.integers(1, 40),
        st.dictionaries(st.integers(0, 60), st.sampled_from(range(6)), max_size=4),
        st.sampled_from([{}, {"sync_offset": 3}, {"frames_per_block": 1}, {"nav_shape": (30,)}]),
    )
    def test_as_one_by_one(self, language, frames, piece, odd, facts):
        """Losses, repetitions, any sizes, and nonsense, other series and other shapes between."""
        series, other = (Series(n, (4, 6), SIG, np.dtype(np.uint16)) for n in (1, 2))
        wider = Series(1, (4, 6), (8, 9), np.dtype(np.uint16))
        start, *images, end = language.messages(series, ((n, blob(n, s)) for n, s in frames))
        strange = [
            [b"nonsense"], start, end, list(language.messages(other, [(3, blob(3, 5))]))[1],
            list(language.messages(wider, [(4, blob(4, 5))]))[1],
            list(language.messages(series, [(5, b"short")]))[1],
        ]  # fmt: skip
        for place, which in odd.items():
            images.insert(place, strange[which])
        messages = [start, *images, end]

        one = received(messages, piece, many=False, **facts)
        assert received(messages, piece, many=True, **facts) == one

    def test_many_are_taken_at_once(self, language, monkeypatch):
        series = Series(1, (4, 6), SIG, np.dtype(np.uint16))
        messages = list(language.messages(series, ((n, blob(n, 20 + n)) for n in range(24))))
        singles = []
        receive = Wire.receive
        monkeypatch.setattr(Wire, "receive", lambda wire: singles.append(1) or receive(wire))
        heard, _ = received(messages, 100, many=True)

        assert verbs(heard)[-1] == "ended"
        assert len(singles) <= 4  # the start, the first image, the end, and nothing

    def test_nothing_is_compiled_that_was_warmed(self, language):
        kernels = [zmtp.split, json_images.find_images, cbor_images.find_images, placing.place]
        warm_receiving()
        # a fresh process has only these, so they must be all that is needed
        warmed = [{str(s) for s in kernel.nopython_signatures} for kernel in kernels]
        series = Series(1, (4, 6), SIG, np.dtype(np.uint16))
        received(
            list(language.messages(series, ((n, blob(n, 20 + n)) for n in range(24)))), 9, many=True
        )

        assert [{str(s) for s in kernel.nopython_signatures} for kernel in kernels] == warmed
