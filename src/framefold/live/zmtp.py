"""ZMTP 3: what two ends of a ZeroMQ connection say to each other besides messages. No I/O.

Written from the ZeroMQ project's RFC 23 (ZMTP 3.0) and RFC 37 (ZMTP 3.1): a greeting of 64
bytes, then for the mechanism NULL one READY command each way, then traffic. The frames of the
traffic are cut by `framefold.kernels.zmtp`.
"""

from __future__ import annotations

from framefold.errors import ProtocolError
from framefold.kernels.zmtp import COMMAND, LONG, MORE

MECHANISM = b"NULL"
GREETING = (
    b"\xff" + bytes(8) + b"\x7f"  # signature
    b"\x03\x01"  # version 3.1: heartbeats are answered
     + MECHANISM.ljust(20, b"\0") + bytes(32)  # not a server; filler
)

OLD = "zmtp-old"
"""Kind of the error for a peer that speaks a version before 3."""

LONGEST_HANDSHAKE = 64 << 10
"""A READY command with its metadata is never longer [bytes]."""


def command(name: bytes, data: bytes) -> bytes:
    """A command as a frame.

    Parameters
    ----------
    name : bytes
        At most 255 letters.
    data : bytes
        What the command says.
    """
    body = bytes([len(name)]) + name + data
    if len(body) < 256:
        return bytes([COMMAND, len(body)]) + body
    return bytes([COMMAND | LONG]) + len(body).to_bytes(8) + body


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4) + value


READY = command(b"READY", _property(b"Socket-Type", b"PULL") + _property(b"Identity", b""))


class Handshake:
    """What the other side says before its first message, and what it is answered.

    We open with `GREETING`.
    """

    def __init__(self) -> None:
        self.is_done = False
        self._greeted = False

    def take(self, data: bytes) -> tuple[int, bytes]:
        """Go on with what came.

        Parameters
        ----------
        data : bytes
            All that came and was not used before.

        Returns
        -------
        used : int
            How much of it is done with [bytes]; 0 while more must come first.
        answer : bytes
            What is to be sent.

        Raises
        ------
        ProtocolError
            If there is nobody on the other side that we can talk to, in words.
        """
        if not self._greeted:
            _check_greeting(data)
            if len(data) < len(GREETING):
                return 0, b""
            self._greeted = True
            return len(GREETING), READY
        used, body = _first_command(data)
        if used:
            self._understand(body)
        return used, b""

    def _understand(self, body: bytes) -> None:
        name, data = named(body)
        if name == b"READY":
            kind = _properties(data).get(b"socket-type", b"")
            if kind != b"PUSH":
                raise ProtocolError(
                    "zmtp-socket-type",
                    f"there is a {_shown(kind)} socket; detectors send from a PUSH socket",
                )
            self.is_done = True
        elif name == b"ERROR":
            raise ProtocolError("zmtp-refused", f"the detector refused: {_shown(data[1:])}")


def _check_greeting(data: bytes) -> None:
    if data[:2] == b"\x01\0" or (data[:1] == b"\xff" and len(data) > 10 and data[10] < 3):
        raise ProtocolError(OLD, "it speaks ZMTP 2 or older (ZeroMQ before 4.0)")
    if not b"\xff".startswith(data[:1]) or data[9:10] not in (b"", b"\x7f"):
        raise ProtocolError(
            "zmtp-greeting", f"what is there is not ZeroMQ; it begins with {data[:12].hex(' ')}"
        )
    mechanism = data[12:32].rstrip(b"\0")
    if len(data) >= 32 and mechanism != MECHANISM:
        raise ProtocolError(
            "zmtp-mechanism",
            f"it asks for the security mechanism {_shown(mechanism)}; only NULL is spoken here",
        )


def _first_command(data: bytes) -> tuple[int, bytes]:
    """Length and body of the command that data begin with; length 0 while it is incomplete."""
    if not data:
        return 0, b""
    if data[0] & ~LONG != COMMAND or data[0] & MORE:
        raise ProtocolError("zmtp-handshake", f"flags {data[0]:#x} where a command is due")
    head = 9 if data[0] & LONG else 2
    if len(data) < head:
        return 0, b""
    end = head + int.from_bytes(data[1:head])
    if end > LONGEST_HANDSHAKE:
        raise ProtocolError("zmtp-handshake", f"a command of {end} bytes in the handshake")
    return (end, data[head:end]) if len(data) >= end else (0, b"")


def named(body: bytes) -> tuple[bytes, bytes]:
    """Name and data of a command; the name is empty if there is none."""
    end = 1 + body[0] if body else 0
    return (body[1:end], body[end:]) if len(body) >= end else (b"", b"")


def answer(body: bytes) -> bytes:
    """What a command in the traffic is answered with; nothing for most.

    Raises
    ------
    ProtocolError
        ``"zmtp-refused"`` if it is an ERROR.
    """
    name, data = named(body)
    if name == b"PING":
        return command(b"PONG", data[2:18])  # behind the time to live: the context
    if name == b"ERROR":
        raise ProtocolError("zmtp-refused", f"the detector refused: {_shown(data[1:])}")
    return b""


def _properties(data: bytes) -> dict[bytes, bytes]:
    """Metadata of a READY command; names in small letters, for case does not count in them."""
    found: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        name_end = position + 1 + data[position]
        value = name_end + 4
        end = value + int.from_bytes(data[name_end:value])
        if end > len(data) or value > len(data):
            raise ProtocolError("zmtp-handshake", "metadata that are cut short")
        found[data[position + 1 : name_end].lower()] = data[value:end]
        position = end
    return found


def _shown(text: bytes) -> str:
    return repr(text[:80].decode("ascii", "replace"))
