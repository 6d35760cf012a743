"""Bytes in any pieces become the messages that were sent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.errors import ProtocolError
from framefold.live.inbox import Inbox
from framefold.live.zmtp import command

SIZE = 256


def framed(*parts: bytes) -> bytes:
    last = len(parts) - 1
    return b"".join(
        bytes([2 | (i < last)]) + len(part).to_bytes(8) + part for i, part in enumerate(parts)
    )


def poured(inbox: Inbox, data: bytes, pieces: list[int]) -> list[list[bytes]]:
    """All messages of some bytes, which come in pieces."""
    messages = []
    pieces = [*pieces, len(data)]
    while data:
        room = inbox.room()
        assert len(room)
        count = max(1, min(pieces[0], len(room), len(data)))
        if len(pieces) > 1:
            del pieces[0]
        room[:count] = data[:count]
        data = data[count:]
        inbox.came(count)
        while (found := inbox.messages()) is not None:
            taken = 1 + len(found) // 2
            messages += [found.copied(number) for number in range(taken)]
            inbox.take(taken)
    return messages


class TestInbox:
    """Whatever the pieces."""

    @settings(deadline=None)
    @given(
        st.lists(st.lists(st.binary(max_size=900), min_size=1, max_size=5), max_size=12),
        st.lists(st.integers(1, 700), max_size=40),
    )
    def test_messages_of_any_size_in_any_pieces(self, messages, pieces):
        """Longer ones than the memory, too."""
        data = b"".join(framed(*message) for message in messages)

        assert poured(Inbox(SIZE), data, pieces) == messages

    @settings(deadline=None)
    @given(st.lists(st.integers(1, 20), max_size=40))
    def test_commands_are_told_once_each(self, pieces):
        inbox = Inbox(SIZE)
        between = framed(b"a", b"b").replace(b"a", b"a" + command(b"PING", b"\0\0two"))
        data = command(b"PING", b"\0\0one") + between + command(b"PING", b"\0\0end")

        assert poured(inbox, data, pieces) == [[b"a", b"b"]]
        assert inbox.commands == [b"\4PING\0\0one", b"\4PING\0\0two", b"\4PING\0\0end"]

    def test_memory_grows_with_what_came_and_shrinks_again(self):
        inbox = Inbox(SIZE)
        poured(inbox, framed(b"x" * 9)[:-1] + b"x" + framed(b"y" * 100_000)[:50_000], [])
        assert 50_000 <= len(inbox._memory) < 200_000
        inbox.clear()
        poured(inbox, framed(b"y" * 100_000), [])
        for _ in range(3):
            poured(inbox, framed(b"x"), [])

        assert len(inbox._memory) == SIZE

    def test_nothing_is_made_for_what_is_only_announced(self):
        inbox = Inbox(SIZE)
        poured(inbox, b"\2" + (1 << 29).to_bytes(8) + b"x", [])

        assert len(inbox.room()) <= SIZE

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"\2" + (1 << 62).to_bytes(8), "more than"),
            (b"\1\0" * 1001, "parts"),
            (b"\xff\0", "flags"),
            (command(b"PING", b"\0\0") * 65, "commands"),
        ],
    )
    def test_what_is_no_zmtp(self, data, words):
        """Messages in front of it are good."""
        inbox = Inbox(1 << 16)
        data = framed(b"good") + data
        inbox.room()[: len(data)] = data
        inbox.came(len(data))
        found = inbox.messages()
        assert found is not None
        assert [found.copied(n) for n in range(len(found))] == [[b"good"]]
        inbox.take(1)

        for _ in range(2):
            with pytest.raises(ProtocolError, match=words):
                inbox.messages()

    def test_more_messages_than_the_table_holds(self):
        assert len(poured(Inbox(1 << 20), b"\0\0" * 20_000, [])) == 20_000
