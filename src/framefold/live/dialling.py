"""Dialling: where a detector is to be found, and when to try again."""

from __future__ import annotations

import errno
import re
import socket

from framefold.errors import ConfigError

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
KERNEL_BUFFER_BYTES = 4 << 20

_TCP = re.compile(r"tcp://(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:;\[\]*/]+)):(?P<port>\d{1,5})")
_IPC = re.compile(r"ipc://(?P<path>.+)")

_LONGEST_PATH = 107  # of a Unix socket on Linux [bytes]

_Address = tuple[int, object]  # family, and what `connect` takes


class Dialler:
    """Opens connections to one endpoint.

    Parameters
    ----------
    endpoint : str
        ``tcp://HOST:PORT`` or ``ipc://PATH``, as ZeroMQ has them.

    Raises
    ------
    ConfigError
        If it is neither.
    """

    def __init__(self, endpoint: str) -> None:
        tcp, ipc = _TCP.fullmatch(endpoint), _IPC.fullmatch(endpoint)
        fits = len(endpoint.encode()) - len("ipc://") <= _LONGEST_PATH if ipc else tcp is not None
        if not fits or (tcp and not 0 < int(tcp["port"]) < 65536):
            raise ConfigError(
                f"stream endpoint {endpoint!r} cannot be used; give tcp://HOST:PORT or ipc://PATH"
            )
        # as in ZeroMQ, an @ stands for the zero byte of names that are not in the file system
        self._path = re.sub("^@", "\0", ipc["path"]) if ipc else ""
        self._host, self._port = (tcp["v6"] or tcp["host"], int(tcp["port"])) if tcp else ("", 0)
        self._addresses: list[_Address] = []
        self._pause = FIRST_PAUSE_SECONDS

    def dial(self) -> socket.socket:
        """Begin to connect.

        Returns
        -------
        socket.socket
            Writable once the connection stands, or failed.

        Raises
        ------
        OSError
            If there is no such host, or the connection fails at once.
        """
        if not self._addresses:
            # anew each time round: the name may mean another machine by now
            self._addresses = self._resolved()
        family, address = self._addresses.pop(0)
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            # before connecting: the window is agreed upon with the first packets
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER_BYTES)
            if family != socket.AF_UNIX:
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            status = opened.connect_ex(address)  # type: ignore[arg-type]
            if status not in (0, errno.EINPROGRESS):
                raise OSError(status, errno.errorcode.get(status, "cannot connect"))
        except OSError:
            opened.close()
            raise
        return opened

    def _resolved(self) -> list[_Address]:
        if self._path:
            return [(socket.AF_UNIX, self._path)]
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses: list[_Address] = [(family, address) for family, *_, address in found]
        return sorted(addresses, key=lambda one: one[0] != socket.AF_INET)

    def pause(self) -> float:
        """An attempt failed: how long to wait before the next [s].

        Not at all while the host has further addresses; then longer each time round.
        """
        if self._addresses:
            return 0.0
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        return pause

    def succeeded(self) -> None:
        """We are connected: when that ends, the next attempt comes soon."""
        self._addresses.clear()
        self._pause = FIRST_PAUSE_SECONDS
