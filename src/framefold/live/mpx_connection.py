"""MpxConnection: one socket to a Merlin's data port, which says nothing but messages."""

from __future__ import annotations

import os
import select
import socket

from framefold.kernels import mpx
from framefold.live.connection import Connection
from framefold.live.inbox import Inbox


class MpxConnection(Connection):
    """Listens to a Merlin; nothing is ever said to it here.

    Parameters
    ----------
    opened : socket.socket
        Connecting, or connected.
    """

    def __init__(self, opened: socket.socket) -> None:
        super().__init__(opened)
        self._is_up = False
        self._outgoing = b""
        self.inbox = Inbox(split=mpx.split)

    @property
    def is_up(self) -> bool:
        """Whether the connection stands."""
        return self._is_up

    @property
    def wanted(self) -> int:
        """What to poll for: that it is connected, then what is sent."""
        return select.POLLIN if self._is_up else select.POLLOUT

    def introduce(self) -> None:
        """Look whether the connection stands, or could not be made."""
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self._is_up = True
