"""Frames of any recording as a Merlin sends them, within the program and over TCP."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from framefold import SumSigUDF, SumUDF
from framefold.cli.replay import LANGUAGES as OFFERED
from framefold.errors import ConfigError, ParameterError
from framefold.protocols import Ended, Started, recognise
from framefold.replay.languages import LANGUAGES
from framefold.replay.pace import Pace
from framefold.replay.source import ReplaySource
from framefold.replay.tcp_outlet import TcpOutlet
from framefold.wirelog import LogWriter

NAV, SIG = (3, 4), (9, 7)


def scan(dtype="u2"):
    return np.random.default_rng(4).integers(0, 200, (*NAV, *SIG)).astype(dtype)


@pytest.fixture
def recording(tmp_path):
    np.save(tmp_path / "a.npy", scan())
    return str(tmp_path / "a.npy")


def events(source):
    messages = [parts for parts, _ in source.messages()]
    language = recognise(messages[0][0])
    return [event for parts in messages for event in language.feed(parts)]


def test_all_languages_are_offered():
    assert tuple(LANGUAGES) == OFFERED


class TestMessages:
    """What they say."""

    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", ">u2"])
    def test_frames(self, tmp_path, dtype):
        np.save(tmp_path / "a.npy", scan(dtype))
        started, *arrived, ended = events(ReplaySource(str(tmp_path / "a.npy"), "merlin"))

        assert isinstance(started, Started)
        assert started.frames == 12
        assert started.scan.shape == NAV
        assert isinstance(ended, Ended)
        assert [one.frame for one in arrived] == list(range(12))
        found = [
            np.frombuffer(one.payload, one.dtype.newbyteorder(">")).reshape(SIG) for one in arrived
        ]
        assert (np.stack(found) == scan(dtype).reshape(12, *SIG)).all()

    @pytest.mark.parametrize("dtype", ["f4", "i2"])
    def test_pixels_it_does_not_have(self, tmp_path, dtype):
        np.save(tmp_path / "a.npy", scan(dtype))
        with pytest.raises(ParameterError, match=r"no Merlin sends.*uint8, uint16, uint32"):
            events(ReplaySource(str(tmp_path / "a.npy"), "merlin"))

    def test_masked_pixels_are_zero(self, tmp_path, inline):
        """The largest value means none on other wires, and is a count on this one."""
        data = scan()
        with inline.recording(tmp_path) as recorded:
            data[1, 2, 3, 4] = 65535
            np.save(tmp_path / "a.npy", data)
            with inline.replay(tmp_path / "a.npy", nav_shape=NAV) as stream:
                live = recorded.reader(stream.next_reader())
                inline.run_udf(live, SumUDF())
                live.join()
        _, *arrived, _ = events(ReplaySource(recorded.state.file, "merlin"))
        blanked = data.reshape(12, *SIG).copy()
        blanked[6, 3, 4] = 0
        found = [np.frombuffer(one.payload, ">u2").reshape(SIG) for one in arrived]
        assert (np.stack(found) == blanked).all()

    def test_how_it_is_connected(self, recording, tmp_path):
        assert ReplaySource(recording, "merlin").transport == "mpx"
        assert ReplaySource(recording).transport != "mpx"
        with LogWriter(tmp_path / "a.fflog", {}) as writer:
            for parts, _ in ReplaySource(recording, "merlin").messages():
                writer.write(parts, 0, 0)
        assert ReplaySource(str(tmp_path / "a.fflog")).transport == "mpx"


class TestPlaying:
    """Results are those of the frames."""

    def test_within(self, inline, recording):
        with inline.replay(recording, language="merlin") as stream:
            reader = stream.next_reader()
            found = inline.run_udf(reader, SumSigUDF())["intensity"].data
        assert reader.ending().complete
        assert (found == scan().sum(axis=(2, 3))).all()

    def test_losses_leave_their_places(self, inline, recording):
        faults = {"drop": 0.3, "seed": 2}
        with inline.replay(recording, language="merlin", faults=faults, idle_seconds=0.3) as stream:
            reader = stream.next_reader()
            found = inline.run_udf(reader, SumSigUDF())["intensity"].data
        there = found > 0
        assert 0 < reader.losses().missing < 12
        assert np.count_nonzero(~there) == reader.losses().missing
        assert (found[there] == scan().sum(axis=(2, 3))[there]).all()

    def test_over_tcp(self, inline, recording):
        source = ReplaySource(recording, "merlin", loop=2)
        with TcpOutlet("tcp://127.0.0.1:0") as outlet:
            sending = threading.Thread(target=outlet.send, args=(source.messages(), Pace()))
            sending.start()
            with inline.stream(outlet.endpoint, protocol="merlin", idle_seconds=5.0) as stream:
                for _ in range(2):
                    reader = stream.next_reader()
                    found = inline.run_udf(reader, SumSigUDF())["intensity"].data
                    assert reader.ending().complete
                    assert (found == scan().sum(axis=(2, 3))).all()
            sending.join()


class TestTcpOutlet:
    """One client at a time, and every message whole."""

    def test_the_next_client_begins_with_a_message(self, recording):
        messages = [b"".join(parts) for parts, _ in ReplaySource(recording, "merlin").messages()]
        endless = ReplaySource(recording, "merlin", loop=0)
        with TcpOutlet("tcp://127.0.0.1:0") as outlet:
            address = ("127.0.0.1", int(outlet.endpoint.rpartition(":")[2]))
            sending = threading.Thread(target=outlet.send, args=(endless.messages(), Pace()))
            sending.start()
            for _ in range(3):
                with socket.create_connection(address) as client:
                    prefix = client.recv(15, socket.MSG_WAITALL)
                    length = int(prefix[4:14]) - 1
                    body = client.recv(length, socket.MSG_WAITALL)
                assert prefix == b"MPX,%010d," % (length + 1)
                assert length in map(len, messages)
                assert body[:4] in (b"HDR,", b"MQ1,")
            outlet.stopping.set()
            sending.join()

    def test_where_it_cannot_be(self):
        with TcpOutlet("tcp://127.0.0.1:0") as outlet:
            with pytest.raises(ConfigError, match=r"cannot bind.*nobody uses"):
                TcpOutlet(outlet.endpoint)
            for bind in ("127.0.0.1:1", "tcp://:1", "tcp://127.0.0.1", "tcp://127.0.0.1:99999"):
                with pytest.raises(ConfigError, match="give tcp://HOST:PORT"):
                    TcpOutlet(bind)
