"""Messages go out over real sockets, all of them, in order and at a pace."""

from __future__ import annotations

import threading
import time

import pytest
import zmq

from framefold_simulators.sender import Outlet, Sender

MESSAGES = [[b"%d" % i, b"x" * (i % 3) * 50_000] for i in range(300)]


@pytest.fixture
def pull():
    """A PULL socket that gives up after some seconds."""
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.rcvtimeo = 20_000
        socket.linger = 0
        yield socket


class TestSender:
    """Nothing is lost between a sender and its one client, whoever comes first."""

    def test_sends_everything(self, pull):
        with Sender(MESSAGES, queue=5) as sender:
            pull.connect(sender.endpoint)
            received = [pull.recv_multipart() for _ in MESSAGES]

            assert sender.join(20) == len(MESSAGES)
        assert received == MESSAGES

    def test_close_lets_the_queue_go_out(self, pull):
        with Sender(MESSAGES) as sender:
            pull.connect(sender.endpoint)
            sender.join(20)
        received = [pull.recv_multipart() for _ in MESSAGES]

        assert received == MESSAGES

    def test_paces(self, pull):
        with Sender(MESSAGES[:50], rate=500) as sender:
            pull.connect(sender.endpoint)
            pull.recv_multipart()
            begin = time.monotonic()
            for _ in range(49):
                pull.recv_multipart()
            took = time.monotonic() - begin

        # later is the machine's business; much earlier would be ours
        assert took > 0.5 * 49 / 500

    def test_ends_without_a_client(self):
        sender = Sender(MESSAGES).start()
        with pytest.raises(TimeoutError, match="receive"):
            sender.join(0.1)
        sender.close()

        assert sender.sent == 0

    def test_raises_what_its_messages_raise(self, pull):
        def broken():
            yield MESSAGES[0]
            raise RuntimeError("no more")

        with Sender(broken()) as sender:
            pull.connect(sender.endpoint)
            with pytest.raises(RuntimeError, match="no more"):
                sender.join(20)


class TestOutlet:
    """A bound socket that can be told to stop at any time."""

    def test_says_when_the_address_is_taken(self):
        outlet = Outlet()
        with pytest.raises(OSError, match="cannot bind"):
            Outlet(outlet.endpoint)
        outlet.close(0)

    def test_stops_between_messages(self, pull):
        outlet, stop = Outlet(), threading.Event()

        def endless():
            number = 0
            while True:
                if number == 10:
                    stop.set()
                yield [b"%d" % number]
                number += 1

        pull.connect(outlet.endpoint)
        sent = outlet.send(endless(), until=stop)
        outlet.close()

        assert sent == 10
        assert [pull.recv() for _ in range(10)] == [b"%d" % i for i in range(10)]
