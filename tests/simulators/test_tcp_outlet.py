"""Messages go out over plain TCP, to one client after the other."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from framefold_simulators.faulty_series import Reboot
from framefold_simulators.tcp_outlet import TcpOutlet


def read(outlet: TcpOutlet, found: list[bytes], count: int | None = None) -> threading.Thread:
    """A client that reads so many bytes, or all, in a thread of its own."""
    host, _, port = outlet.endpoint.removeprefix("tcp://").rpartition(":")
    client = socket.create_connection((host, int(port)), 20)

    def take() -> None:
        with client:
            total = b""
            while (count is None or len(total) < count) and (piece := client.recv(1 << 16)):
                total += piece
        found.append(total)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return thread


class TestTcpOutlet:
    """Nothing is lost while a client is there, however large messages are."""

    @pytest.mark.parametrize("size", [5, 3_000_000])
    def test_sends_everything(self, size):
        messages, found = [[b"%d" % n, bytes(size)] for n in range(9)], []
        with closing(TcpOutlet()) as outlet:
            reader = read(outlet, found)
            assert outlet.send(messages) == 9
        reader.join(20)

        assert found == [b"".join(b"".join(message) for message in messages)]

    def test_the_last_message_is_whole_while_it_stays_open(self):
        messages, found = [[bytes(4_000_000)]], []
        with closing(TcpOutlet()) as outlet:
            reader = read(outlet, found, 4_000_000)
            outlet.send(messages)
            reader.join(20)

            assert len(found[0]) == 4_000_000

    def test_another_client_may_come(self):
        found = []
        with closing(TcpOutlet()) as outlet:
            for _ in range(2):
                reader = read(outlet, found, 1)
                while reader.is_alive():
                    outlet.offer([b"x"])  # `send` would wait for the next client once it left
                reader.join(20)

        assert all(one.startswith(b"x") for one in found)
        assert len(found) == 2

    def test_reboots(self):
        found = []
        with closing(TcpOutlet()) as outlet:
            reader = read(outlet, found)
            outlet.send([[b"before"], Reboot(0.01)])
            reader.join(20)
            again = read(outlet, found)
            outlet.send([[b"after"]])
        again.join(20)

        assert found == [b"before", b"after"]

    def test_waits_for_a_client_until_told(self):
        stop = threading.Event()
        with closing(TcpOutlet()) as outlet:
            stop.set()

            assert outlet.send([[b"x"]], until=stop) == 0

    @pytest.mark.parametrize("bind", ["nonsense", "tcp://:x", "ipc://x", "tcp://256.1.1.1:0"])
    def test_a_wrong_address_is_told(self, bind):
        with pytest.raises(OSError, match="cannot bind"):
            TcpOutlet(bind)
