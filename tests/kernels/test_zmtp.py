"""Messages are found in bytes, whatever the bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels import zmtp
from framefold.kernels.zmtp import COMMAND, LONG, MORE, split
from kernels.guarded import Guarded

LIMIT = 5000


def framed(body: bytes, flags: int = 0, *, long: bool = False) -> bytes:
    if long or len(body) > 255:
        return bytes([flags | LONG]) + len(body).to_bytes(8) + body
    return bytes([flags, len(body)]) + body


def tables(messages: int = 50, parts: int = 200, commands: int = 50):
    def empty(rows):
        return np.full((rows, 2), -9, np.int64)

    return np.full(messages + 1, -9, np.int64), empty(parts), empty(commands)


def found(data: bytes, start: int = 0, handled: int = 0, function=split, **sizes):
    """Messages, commands, what is left, what is needed, status."""
    first, parts, commands = tables(**sizes)
    memory = np.frombuffer(data, np.uint8).copy() if function is split else Guarded(data, start)
    count, position, needed, told, status = function(
        memory, start, len(data), handled, LIMIT, first, parts, commands
    )
    rows = [data[a : a + n] for a, n in parts[: first[count]].tolist()]
    messages = [rows[first[i] : first[i + 1]] for i in range(count)]
    bodies = [data[a : a + n] for a, n in commands[:told].tolist()]
    return messages, bodies, data[position:], needed, status


def plain(data: bytes):
    """The same by slicing; for bytes that are ZMTP as far as they go."""
    messages, parts, commands, position = [], [], [], 0
    rest = data
    while len(rest) >= 2:
        head = 9 if rest[0] & LONG else 2
        size = int.from_bytes(rest[1:head])
        if len(rest) < head or len(rest) < head + size:
            break
        body, flags = rest[head : head + size], rest[0]
        rest = rest[head + size :]
        if flags & COMMAND:
            commands.append(body)
        else:
            parts.append(body)
            if not flags & MORE:
                messages.append(parts)
                parts = []
        if not parts:
            position = len(data) - len(rest)
    return messages, commands, data[position:]


bodies = st.binary(max_size=300)
frames = st.tuples(bodies, st.sampled_from([0, 0, MORE, MORE, COMMAND]), st.booleans())
streams = st.lists(frames, max_size=20).map(
    lambda many: b"".join(framed(body, flags, long=long) for body, flags, long in many)
)


class TestSplit:
    """What `split` finds is what slicing finds."""

    @settings(deadline=None)
    @given(streams, st.integers(0, 6000), st.binary(max_size=5))
    def test_like_slicing(self, data, cut, before):
        data = data[:cut]
        messages, commands, left, needed, status = found(before + data, len(before))

        assert status == zmtp.FINE
        assert (messages, commands, left) == plain(data)
        assert needed > len(before + data)

    @settings(deadline=None)
    @given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"\0\1a\1\2bc" + b))
    def test_nothing_is_read_that_did_not_come(self, data):
        """Also of bytes that are no ZMTP at all; and the compiled kernel says the same."""
        assert found(data) == found(data, function=split.py_func)

    def test_needed_is_what_completes_a_frame(self):
        whole = framed(b"x" * 400)
        for cut in range(len(whole)):
            _, _, left, needed, _ = found(whole[:cut])
            assert left == whole[:cut]
            assert cut < needed <= len(whole)

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"\x08\0", zmtp.BAD_FLAGS),
            (b"\x05\0", zmtp.BAD_FLAGS),
            (b"\xff" * 20, zmtp.BAD_FLAGS),
            (framed(b"x", LONG)[:1] + (1 << 62).to_bytes(8), zmtp.TOO_LONG),
            (b"\2" + b"\xff" * 8, zmtp.TOO_LONG),
            (framed(b"x" * 3000, MORE) * 2, zmtp.TOO_LONG),
            (framed(b"", COMMAND) * 51, zmtp.TOO_MANY_COMMANDS),
        ],
    )
    def test_what_is_refused(self, data, status):
        good = framed(b"good")
        messages, _, _, _, said = found(good + data)

        assert said == status
        assert messages == [[b"good"]]

    def test_a_message_of_too_many_parts(self):
        data = framed(b"", MORE) * zmtp.MOST_PARTS

        assert found(data, parts=2 * zmtp.MOST_PARTS)[-1] == zmtp.TOO_MANY_PARTS

    def test_full_tables_are_no_end(self):
        data = (framed(b"a", MORE) + framed(b"b")) * 9
        messages, _, left, needed, status = found(data, messages=4)
        assert (len(messages), len(left), status) == (4, len(data) - 24, zmtp.FINE)
        assert needed <= len(data)
        messages, _, left, needed, status = found(data, parts=5)

        assert (len(messages), len(left), status) == (2, len(data) - 12, zmtp.FINE)
        assert needed <= len(data)

    def test_commands_are_told_once(self):
        data = framed(b"one", COMMAND) + framed(b"part", MORE) + framed(b"two", COMMAND)

        assert found(data)[1] == [b"one", b"two"]
        assert found(data, handled=5)[1] == [b"two"]
