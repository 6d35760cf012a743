"""The dialogue over a Merlin's control port, also with readouts that count in other ways."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from framefold.connections.merlin_controller import MerlinControl, MerlinController
from framefold.errors import RunFailedError


@pytest.fixture
def readout():
    """A readout that gives prepared answers, and keeps the questions."""
    server = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []
    threads = []

    def start(*answers: bytes):
        def serve():
            client, _ = server.accept()
            with closing(client):
                for answer in answers:
                    asked.append(client.recv(4096))
                    client.sendall(answer)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return server.getsockname()[1], asked

    yield start
    for thread in threads:
        thread.join(20)
    server.close()


def said(text: bytes, short: int = 0) -> bytes:
    return b"MPX,%010d," % (len(text) + 1 - short) + text


class TestMerlinControl:
    """Questions and answers."""

    def test_get(self, readout):
        port, asked = readout(said(b"GET,GAIN,2,0"))
        with MerlinControl("127.0.0.1", port) as control:
            assert control.get("GAIN") == "2"
        assert asked == [b"MPX,0000000011,GET,GAIN,0"]

    def test_an_answer_that_does_not_count_its_comma(self, readout):
        port, _ = readout(said(b"SET,GAIN,0", short=1), said(b"GET,GAIN,1,0", short=1))
        with MerlinControl("127.0.0.1", port) as control:
            control.set("GAIN", 1)
            assert control.get("GAIN") == "1"

    def test_busy_is_asked_again(self, readout):
        port, asked = readout(said(b"CMD,RESET,1"), said(b"CMD,RESET,0"))
        with MerlinControl("127.0.0.1", port) as control:
            control.command("RESET")
        assert len(asked) == 2

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            (said(b"CMD,RESET,2"), "not recognised"),
            (said(b"CMD,RESET,3"), "out of range"),
            (said(b"CMD,OTHER,0"), "was answered"),
            (said(b"CMD"), "was answered"),
            (b"HTTP/1.1 400 Bad Request\r\n", "no answer of a Merlin"),
        ],
    )
    def test_a_no_is_told(self, readout, answer, told):
        port, _ = readout(answer)
        with (
            MerlinControl("127.0.0.1", port) as control,
            pytest.raises(RunFailedError, match=told),
        ):
            control.command("RESET")

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(RunFailedError, match="no Merlin at"):
            MerlinController("127.0.0.1", port).disarm()
