"""Connection: one socket to a detector, from the introductions to its end."""

from __future__ import annotations

import select
import socket

from framefold.errors import ProtocolError
from framefold.live.inbox import Inbox
from framefold.live.zmtp import GREETING, Handshake, answer

_MOST_UNSENT = 64 << 10  # answers to commands that a peer does not read [bytes]
_PIECE = 4096  # read at a time during the handshake [bytes]


class Connection:
    """Talks ZMTP over a socket that never blocks.

    Every method may raise `OSError` when the connection is lost and `ProtocolError` when the
    other side says what nobody should; it is of no use then, and must be closed.

    Parameters
    ----------
    opened : socket.socket
        Connecting, or connected.
    """

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._handshake = Handshake()
        self._heard = b""  # of the handshake, and not used yet
        self._outgoing = GREETING
        self._low_water = 1
        self.inbox = Inbox()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._socket.fileno()

    @property
    def is_up(self) -> bool:
        """Whether both sides have introduced themselves."""
        return self._handshake.is_done

    @property
    def wanted(self) -> int:
        """What to poll for: `select.POLLIN`, and `select.POLLOUT` while something is to be sent."""
        return select.POLLIN | (select.POLLOUT if self._outgoing else 0)

    def introduce(self) -> None:
        """Go on with the introductions as far as that is possible now."""
        self.send(b"")
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        if not piece:
            raise ConnectionResetError("closed by the detector during the handshake")
        self._heard += piece
        while not self.is_up:
            used, reply = self._handshake.take(self._heard)
            self.send(reply)
            if not used:
                return
            self._heard = self._heard[used:]
        # what follows are messages already
        self.inbox.room()[: len(self._heard)] = self._heard
        self.inbox.came(len(self._heard))

    def send(self, data: bytes) -> None:
        """Send this, or as much as can go now; the rest when it can."""
        self._outgoing += data
        if len(self._outgoing) > _MOST_UNSENT:
            raise ProtocolError("zmtp-deaf", "it asks for answers that it does not read")
        if self._outgoing:
            try:
                self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
            except BlockingIOError:
                return

    def wake_at(self, low_water: int) -> None:
        """Be readable only once so many bytes have come."""
        if low_water != self._low_water:
            self._low_water = low_water
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, low_water)

    def read(self, room: memoryview) -> int:
        """Take what is there into the room that the inbox has; how many bytes [bytes]."""
        try:
            count = self._socket.recv_into(room)
        except BlockingIOError:
            return 0
        if not count:
            raise ConnectionResetError("closed by the detector")
        self.inbox.came(count)
        return count

    def answer_commands(self) -> None:
        """Answer what is not a message."""
        commands, self.inbox.commands = self.inbox.commands, []
        self.send(b"".join(map(answer, commands)))

    def close(self) -> None:
        """Leave."""
        self._socket.close()
