"""Both ways of reading a connection, against real sockets: good detectors, and bad ones."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import zmq

from framefold.errors import ConfigError
from framefold.live import zmtp_transport
from framefold.live.connecting import connect
from framefold.live.transport import Transport
from framefold.live.zmtp import GREETING, READY

PUSH = READY.replace(b"PULL", b"PUSH")
WAYS = ["libzmq", "zmtp", "auto"]
PATIENCE = 10.0


@pytest.fixture
def control() -> Iterator[tuple[int, int]]:
    """Two ends of the pipe that orders come by."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def until(transport: Transport, control: tuple[int, int], condition: Callable[[], object]) -> None:
    """Let it work until something is so."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, "it never came to that"
        transport.wait(control[0], 0.05, data=True)


def listen(
    transport: Transport, control: tuple[int, int], count: int, seconds: float = PATIENCE
) -> list[list[bytes]]:
    """The next so many messages, or fewer if time is up."""
    found: list[list[bytes]] = []
    limit = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < limit:
        _, there = transport.wait(control[0], min(0.05, seconds), data=True)
        while there and (parts := transport.receive()) is not None:
            found.append([bytes(part) for part in parts])
    return found


class Peer:
    """A listening socket that speaks whatever it is told to."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(PATIENCE)
        self.endpoint = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        self.met: list[socket.socket] = []

    def accept(self) -> socket.socket:
        met, _ = self._listening.accept()
        met.settimeout(PATIENCE)
        self.met.append(met)
        return met

    def close(self) -> None:
        for one in (self._listening, *self.met):
            one.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def pusher() -> Iterator[Callable[..., tuple[Any, str]]]:
    """Makes bound PUSH sockets of the ZeroMQ project's own library."""
    context = zmq.Context()
    made = []

    def make(endpoint: str = "tcp://127.0.0.1:*", kind: int = zmq.PUSH, **options: Any):
        pushing = context.socket(kind)
        made.append(pushing)
        pushing.linger = 0
        for name, value in options.items():
            setattr(pushing, name, value)
        pushing.bind(endpoint)
        return pushing, pushing.getsockopt_string(zmq.LAST_ENDPOINT)

    yield make
    for one in made:
        one.close(0)
    context.term()


@pytest.mark.parametrize("way", WAYS)
class TestGoodDetectors:
    """Whatever way the connection is read."""

    def test_messages_of_all_sizes_in_order(self, way, pusher, control):
        pushing, endpoint = pusher()
        sent = [
            [bytes([n % 256]) * size for size in (n, 255, 0, 256)] for n in range(0, 3000, 7)
        ] + [[b"x" * 3_000_000, b"y"], [b"end"]]
        with connect(endpoint, way) as transport:
            until(transport, control, lambda: transport.connected)
            for message in sent:
                pushing.send_multipart(message)

            assert listen(transport, control, len(sent)) == sent

    def test_ipc(self, way, pusher, control, tmp_path):
        pushing, endpoint = pusher(f"ipc://{tmp_path}/detector")
        with connect(endpoint, way) as transport:
            until(transport, control, lambda: transport.connected)
            pushing.send(b"here")

            assert listen(transport, control, 1) == [[b"here"]]

    def test_a_detector_that_comes_late_and_again(self, way, pusher, control):
        first, endpoint = pusher()
        first.close(0)
        with connect(endpoint, way) as transport:
            transport.wait(control[0], 0.05, data=True)
            for said in (b"one", b"two"):
                pushing = self._bound(pusher, endpoint)
                # a socket without a client takes nothing
                until(transport, control, partial(pushing.poll, 0, zmq.POLLOUT))
                pushing.send(said)
                assert listen(transport, control, 1) == [[said]]
                pushing.close(0)
                until(transport, control, lambda: not transport.connected)

    @staticmethod
    def _bound(pusher: Any, endpoint: str) -> Any:
        """The library gives an address free a moment after its socket was closed."""
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                return pusher(endpoint)[0]
            except zmq.ZMQError:
                assert time.monotonic() < limit

    def test_heartbeats_are_answered(self, way, pusher, control):
        """Otherwise the detector would take us for dead after 60 ms."""
        pushing, endpoint = pusher(heartbeat_ivl=20, heartbeat_timeout=60)
        with connect(endpoint, way) as transport:
            until(transport, control, lambda: transport.connected)
            limit = time.monotonic() + 0.4
            while time.monotonic() < limit:
                transport.wait(control[0], 0.02, data=True)
                transport.receive()
                assert transport.connected
            pushing.send(b"still here")

            assert listen(transport, control, 1) == [[b"still here"]]

    def test_orders_wake_it(self, way, pusher, control):
        _, endpoint = pusher()
        with connect(endpoint, way) as transport:
            until(transport, control, lambda: transport.connected)
            os.write(control[1], b"!")
            orders, _ = transport.wait(control[0], None, data=False)

            assert orders

    def test_messages_wait_while_nobody_wants_them(self, way, pusher, control):
        pushing, endpoint = pusher()
        with connect(endpoint, way) as transport:
            until(transport, control, lambda: transport.connected)
            pushing.send(b"patience")
            assert transport.wait(control[0], 0.05, data=False) == (False, False)

            assert listen(transport, control, 1) == [[b"patience"]]

    @pytest.mark.parametrize(
        "endpoint", ["tcp://", "nonsense", "tcp://host:port", "ipc://" + "x" * 200]
    )
    def test_endpoints_that_are_none(self, way, endpoint):
        with pytest.raises(ConfigError, match="cannot be used"):
            connect(endpoint, way)


@pytest.fixture
def ours(peer: Peer) -> Iterator[Transport]:
    with connect(peer.endpoint, "zmtp") as transport:
        yield transport


def introduced(peer: Peer, transport: Transport, control: tuple[int, int]) -> socket.socket:
    """A peer that has done everything right so far."""
    transport.wait(control[0], 0.05, data=True)
    met = peer.accept()
    met.sendall(GREETING + PUSH)
    until(transport, control, lambda: transport.connected)
    assert met.recv(64, socket.MSG_WAITALL) == GREETING
    assert met.recv(len(READY), socket.MSG_WAITALL) == READY
    return met


class TestBadDetectors:
    """A peer that does wrong is left, and tried again; nothing of it gets through."""

    def test_closes_in_the_middle_of_a_message(self, peer, ours, control):
        met = introduced(peer, ours, control)
        met.sendall(b"\0\4good\1\4half\0\x20abc")
        met.close()
        assert listen(ours, control, 2, 0.3) == [[b"good"]]
        met = introduced(peer, ours, control)
        met.sendall(b"\0\4next")

        assert listen(ours, control, 1) == [[b"next"]]

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "is not ZeroMQ"),
            (GREETING.replace(b"NULL" + bytes(4), b"CURVE" + bytes(3)), "'CURVE'"),
            (GREETING + PUSH.replace(b"PUSH", b"XPUB"), "'XPUB' socket"),
            (GREETING[:10] + b"\1\7\0\0", "ZMTP 2 or older"),
            (GREETING + PUSH + b"\2" + (1 << 62).to_bytes(8), "a message of more than"),
            (GREETING + PUSH + b"\xff" * 100, "flags"),
            (GREETING + PUSH + b"\4\x0e\5ERROR\7go away", "go away"),
        ],
    )
    def test_says_what_nobody_should(self, peer, ours, control, caplog, said, words):
        """It is hung up on, and told about once, however often it is tried again."""
        for _ in range(2):
            ours.wait(control[0], 0.05, data=True)
            met = peer.accept() if not peer.met else self._again(peer, ours, control)
            met.sendall(said)
            self._hung_up(met, ours, control)

        told = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert words in told[0].getMessage()
        if GREETING + PUSH not in said:
            assert len(told) == 1

    def _again(self, peer: Peer, ours: Transport, control: tuple[int, int]) -> socket.socket:
        limit = time.monotonic() + PATIENCE
        peer._listening.settimeout(0)
        while time.monotonic() < limit:
            ours.wait(control[0], 0.05, data=True)
            try:
                return peer.accept()
            except BlockingIOError:
                continue
        raise AssertionError("it was not tried again")

    def _hung_up(self, met: socket.socket, ours: Transport, control: tuple[int, int]) -> None:
        met.settimeout(0)
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            _, there = ours.wait(control[0], 0.05, data=True)
            assert not there or ours.receive() is None
            try:
                if not met.recv(4096):
                    return
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return
        raise AssertionError("it was not hung up on")

    def test_never_finishes_the_handshake(self, peer, control, monkeypatch, caplog):
        monkeypatch.setattr(zmtp_transport, "HANDSHAKE_SECONDS", 0.1)
        with connect(peer.endpoint, "zmtp") as ours:
            ours.wait(control[0], 0.05, data=True)
            met = peer.accept()
            met.sendall(GREETING[:40])
            self._hung_up(met, ours, control)

        assert "no handshake within" in caplog.text

    def test_pings_and_never_reads(self, peer, ours, control):
        """What it does not read is not kept for it without end."""
        met = introduced(peer, ours, control)
        met.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        met.settimeout(0)
        limit = time.monotonic() + PATIENCE
        ping = b"\4\x17\4PING\0\0" + b"c" * 16
        while ours.connected:
            assert time.monotonic() < limit
            with contextlib.suppress(BlockingIOError, ConnectionError):
                met.send(ping * 50)
            if ours.wait(control[0], 0.01, data=True)[1]:
                ours.receive()

    def test_a_connection_that_ends_while_nobody_wants_messages(self, peer, ours, control):
        """It does not keep us awake."""
        introduced(peer, ours, control).close()
        began = time.process_time()
        for _ in range(3):
            assert ours.wait(control[0], 0.1, data=False) == (False, False)

        assert time.process_time() - began < 0.1

    def test_nobody_there(self, control):
        """No busy waiting either."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with connect(endpoint, "zmtp") as ours:
            limit, turns = time.monotonic() + 0.5, 0
            while time.monotonic() < limit:
                ours.wait(control[0], 0.1, data=True)
                turns += 1
            assert not ours.connected
            assert turns < 20


class TestAuto:
    """Our own reading as far as it goes, the library beyond."""

    def test_yields_to_the_library_for_an_older_zmtp(self, peer, control):
        with connect(peer.endpoint, "auto") as transport:
            transport.wait(control[0], 0.05, data=True)
            peer.accept().sendall(GREETING[:10] + b"\1\7\0\0")
            until(transport, control, lambda: not transport._is_ours)
            met = peer.accept()
            # ZMTP 2.0: signature, revision, socket type PUSH, an empty identity; then messages
            met.sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\1\x08\0\0" + b"\1\3old\0\4news")

            assert listen(transport, control, 1) == [[b"old", b"news"]]

    def test_leaves_other_endpoints_to_the_library(self, pusher):
        _, endpoint = pusher()
        port = endpoint.rpartition(":")[2]
        with connect(f"tcp://127.0.0.1:0;127.0.0.1:{port}", "auto") as transport:
            assert type(transport).__name__ == "ZmqTransport"

    @pytest.mark.parametrize("way", ["zmtp", "auto"])
    def test_of_a_plain_detector_the_messages_are_at_hand(self, way, pusher, control):
        pushing, endpoint = pusher()
        with connect(endpoint, way) as transport:
            until(transport, control, lambda: transport.connected)
            pushing.send_multipart([b"a", b"b"])
            until(transport, control, lambda: transport.at_hand() is not None)
            messages = transport.at_hand()
            transport.take(1)

            assert messages.copied(0) == [b"a", b"b"]
            assert transport.at_hand() is None


def test_names_are_resolved_anew(monkeypatch, control):
    """The machine behind a name may be another one by the next attempt."""
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with connect("tcp://detector.example:9999", "zmtp") as transport:
        until(transport, control, lambda: len(asked) == 2)
