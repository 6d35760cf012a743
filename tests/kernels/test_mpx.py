"""Merlin's messages are found in any pieces; what is none becomes one, and the next is found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels import mpx
from framefold.live.inbox import Inbox
from kernels.guarded import Guarded


def sent(payload: bytes) -> bytes:
    return b"MPX,%010d," % (len(payload) + 1) + payload


GOOD = [b"HDR,\t" + b"a" * 40, b"MQ1,000001," + b"b" * 70, b"MQ1,000002,", b"MQ1,000003,MPX,c"]


def received(data: bytes, cuts: list[int] | None = None, size: int = 512) -> list[bytes]:
    """The messages that an inbox gives for bytes that come in pieces."""
    inbox, found = Inbox(size, split=mpx.split), []
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts or ())})
    for start, end in itertools.pairwise(edges):
        piece = data[start:end]
        while piece:
            room = inbox.room()
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            inbox.came(count)
            piece = piece[count:]
            while (messages := inbox.messages()) is not None:
                found += [part for n in range(len(messages)) for part in messages.copied(n)]
                inbox.take(len(messages))
    return found


class TestWhole:
    """Good messages, however they are cut."""

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 1000), max_size=8))
    def test_any_pieces(self, cuts):
        assert received(b"".join(map(sent, GOOD)), cuts) == GOOD

    def test_longer_than_the_memory(self):
        long = b"MQ1," + bytes(5000)

        assert received(sent(long) + sent(GOOD[0])) == [long, GOOD[0]]

    def test_prefix_counts_its_comma(self):
        # a header of 384 bytes and 256 x 256 pixels of 16 bits, as captures have it
        assert sent(bytes(384 + 256 * 256 * 2)).startswith(b"MPX,0000131457,")


class TestDamage:
    """What lies between messages is told of, and the next message is found."""

    @pytest.mark.parametrize(
        "garbage", [b"x", b"MPX", b"MPX,00000", b"MPX,000000004x,", b"\0" * 90]
    )
    def test_garbage_between(self, garbage):
        data = sent(GOOD[0]) + garbage + sent(GOOD[1]) + sent(GOOD[2])

        found = received(data)

        assert found[0] == GOOD[0]
        assert found[-2:] == [GOOD[1], GOOD[2]]
        assert b"".join(found[1:-2]) == garbage

    def test_a_message_cut_short(self):
        data = sent(GOOD[0]) + sent(GOOD[1])[:-30] + sent(GOOD[1]) + sent(GOOD[2]) * 3

        assert received(data) == [GOOD[0], GOOD[1][:-30], GOOD[1], *[GOOD[2]] * 3]

    def test_a_message_too_long(self):
        found = received(sent(GOOD[0]) + b"more" + sent(GOOD[1]))

        assert found == [GOOD[0], b"more", GOOD[1]]

    @pytest.mark.parametrize("prefix", [b"MPX,0000000000,", b"MPX,9999999999,"])
    def test_lengths_that_cannot_be(self, prefix):
        found = received(prefix + sent(GOOD[1]))

        assert found[-1] == GOOD[1]
        assert b"".join(found[:-1]) == prefix

    @settings(deadline=None)
    @given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=4))
    def test_nothing_is_lost(self, garbage, cuts):
        """All bytes are in some message, but for the last few, which may go on."""
        found = received(garbage, cuts)
        total = sum(map(len, found))

        assert total <= len(garbage)
        if b"MPX" not in garbage:
            assert total > len(garbage) - mpx.PREFIX_BYTES

    def test_reads_nothing_outside(self, monkeypatch):
        for name, value in vars(mpx).items():
            if hasattr(value, "py_func"):
                monkeypatch.setattr(mpx, name, value.py_func)
        table, first = np.zeros((9, 2), np.int64), np.zeros(9, np.int64)
        for data in (sent(GOOD[1]) + sent(GOOD[2])[:12], b"MPX,00", b"garbage MPX,0000000005,MQ"):
            for end in range(len(data) + 1):
                memory = Guarded(b"###" + data, 3, 3 + end)
                mpx.split(memory, 3, 3 + end, 0, 1 << 30, first, table, table)
