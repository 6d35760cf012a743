"""What is said before messages, and between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.errors import ProtocolError
from framefold.live.zmtp import GREETING, LONGEST_HANDSHAKE, READY, Handshake, answer, command

PUSH = READY.replace(b"PULL", b"PUSH")


def ready(*properties: tuple[bytes, bytes]) -> bytes:
    return command(
        b"READY", b"".join(bytes([len(n)]) + n + len(v).to_bytes(4) + v for n, v in properties)
    )


def heard(data: bytes, pieces: list[int] | None = None) -> tuple[Handshake, bytes, bytes]:
    """A handshake that got these bytes in pieces; what it answered, what it left."""
    handshake, said, left = Handshake(), b"", b""
    for piece in [*(pieces or []), len(data)]:
        left, data = left + data[:piece], data[piece:]
        while not handshake.is_done:
            used, reply = handshake.take(left)
            said += reply
            left = left[used:]
            if not used:
                break
    return handshake, said, left


class TestHandshake:
    """Greeting, READY, and then messages."""

    def test_greeting_is_of_the_standard(self):
        assert len(GREETING) == 64
        assert GREETING[:12] == b"\xff\0\0\0\0\0\0\0\0\x7f\3\1"
        assert GREETING[12:32] == b"NULL" + bytes(16)

    @given(st.lists(st.integers(1, 40), max_size=10))
    def test_in_any_pieces(self, pieces):
        handshake, said, left = heard(GREETING + PUSH + b"messages", pieces)

        assert handshake.is_done
        assert said == READY
        assert b"messages".startswith(left) or left == b"messages"

    @pytest.mark.parametrize("second", [
        PUSH, ready((b"SOCKET-TYPE", b"PUSH")), command(b"WHAT", b"ever") + PUSH,
        ready((b"Identity", b"x" * 255), (b"socket-type", b"PUSH"), (b"X-Long", b"y" * 9000)),
    ])  # fmt: skip
    def test_what_is_understood(self, second):
        assert heard(GREETING + second)[0].is_done

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (b"HTTP/1.1 400 Bad Request\r\n", "zmtp-greeting"),
            (b"\xff" * 64, "zmtp-greeting"),
            (b"\1\0", "zmtp-old"),
            (GREETING[:10] + b"\1\7\0\0", "zmtp-old"),
            (GREETING.replace(b"NULL" + bytes(4), b"CURVE" + bytes(3)), "zmtp-mechanism"),
            (GREETING + PUSH.replace(b"PUSH", b"PUB!"), "zmtp-socket-type"),
            (GREETING + ready(), "zmtp-socket-type"),
            (GREETING + command(b"ERROR", b"\5later"), "zmtp-refused"),
            (GREETING + b"\0\5hello", "zmtp-handshake"),
            (GREETING + b"\6" + (1 << 62).to_bytes(8), "zmtp-handshake"),
            (GREETING + command(b"READY", b"\5Names\0\0"), "zmtp-handshake"),
            (GREETING + command(b"READY", b"\5Names\xff\0\0\0abc"), "zmtp-handshake"),
        ],
    )
    def test_what_is_refused(self, data, kind):
        with pytest.raises(ProtocolError) as caught:
            heard(data)
        assert caught.value.kind == kind

    @given(st.binary(max_size=120), st.sampled_from([b"", GREETING, GREETING + PUSH[:9]]))
    def test_any_bytes(self, data, before):
        """Are waited with, understood or refused; nothing else."""
        try:
            _, _, left = heard(before + data)
        except ProtocolError:
            return
        assert len(left) <= LONGEST_HANDSHAKE


class TestAnswer:
    """Commands between messages."""

    def test_ping(self):
        assert answer(b"\4PING\0\x0acontext") == b"\4\x0c\4PONGcontext"

    @pytest.mark.parametrize("body", [b"", b"\4PONG", b"\xffshort", b"\4NEWS and more"])
    def test_others_are_passed_over(self, body):
        assert answer(body) == b""

    def test_error(self):
        with pytest.raises(ProtocolError, match="go away"):
            answer(b"\5ERROR\7go away")

    def test_long(self):
        assert command(b"X", bytes(300)) == b"\6" + (302).to_bytes(8) + b"\1X" + bytes(300)
