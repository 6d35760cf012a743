"""Recordings in the place of a detector: through our receiver, and out through a socket."""

from __future__ import annotations

import os
import select
import threading

import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumSigUDF
from framefold.errors import ConfigError
from framefold.live.connecting import connect
from framefold.record.wire_recorder import Until, record_wire
from framefold.replay.pace import Pace
from framefold.replay.push_outlet import PushOutlet
from framefold.replay.source import ReplaySource
from framefold.replay.transport import ReplayTransport
from framefold.wirelog import LogWriter, WireLog

NAV = (3, 4)


def scan():
    return np.random.default_rng(4).integers(0, 200, (*NAV, 9, 7)).astype("u2")


@pytest.fixture
def log(tmp_path):
    """A wire log whose messages are 10 ms apart."""
    with LogWriter(tmp_path / "a.fflog", {}) as writer:
        for i, parts in enumerate(wire(scan())):
            writer.write(parts, i * 10**7, i)
    return tmp_path / "a.fflog"


class Clock:
    """A time that goes on when it is told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class TestTransport:
    """Messages when they are due."""

    @pytest.fixture
    def control(self):
        read, write = os.pipe()
        yield read
        os.close(read)
        os.close(write)

    def timed(self, count=4):
        return iter([([b"%d" % i], float(i)) for i in range(count)])

    def test_paced(self, control):
        clock = Clock()
        one = ReplayTransport(self.timed(), Pace(speed=2.0), clock)
        assert one.wait(control, 0.0, data=True) == (False, True)
        assert one.receive() == [b"0"]
        assert one.receive() is None
        assert one.wait(control, 0.0, data=True) == (False, False)
        clock.now += 1.1
        assert [one.receive(), one.receive(), one.receive()] == [[b"1"], [b"2"], None]
        clock.now += 1.0
        assert one.receive() == [b"3"]
        assert one.is_exhausted

    def test_free(self, control):
        one = ReplayTransport(self.timed(), Pace(), Clock())
        assert [one.receive() for _ in range(5)] == [[b"0"], [b"1"], [b"2"], [b"3"], None]

    def test_loops_keep_the_pace(self):
        clock = Clock()
        messages = iter([*self.timed(2), *self.timed(2)])
        one = ReplayTransport(messages, Pace(speed=1.0), clock)
        assert one.receive() == [b"0"]
        clock.now += 1.0
        assert [one.receive(), one.receive(), one.receive()] == [[b"1"], [b"0"], None]
        clock.now += 1.0
        assert one.receive() == [b"1"]

    def test_waits_for_orders_only(self, control):
        one = ReplayTransport(self.timed(), Pace(), Clock())
        assert one.wait(control, 0.0, data=False) == (False, False)
        assert select.select([control], [], [], 0)[0] == []


class TestThroughTheReceiver:
    """`Context.replay`."""

    def test_every_series_once(self, inline, log):
        with inline.replay(log, nav_shape=NAV, loop=3) as stream:
            found = [inline.run_udf(reader, SumSigUDF())["intensity"].data for reader in stream]
        assert len(found) == 3
        assert all((one == scan().sum(axis=(2, 3))).all() for one in found)

    def test_with_a_table_of_positions(self, inline, tmp_path):
        """What is told to open the recording holds for the stream; tables may be long."""
        np.save(tmp_path / "a.npy", scan().reshape(-1, 9, 7))
        order = np.random.default_rng(6).permutation(100_000)
        told = {"positions": order}
        with inline.replay(tmp_path / "a.npy", opening=told, nav_shape=(100, 1000)) as stream:
            found = inline.run_udf(stream.next_reader(), SumSigUDF())["intensity"].data
        assert (found.reshape(-1)[order[:12]] == scan().sum(axis=(2, 3)).reshape(-1)).all()

    def test_part_of_it(self, inline, log):
        with inline.replay(log, nav_shape=NAV, skip=2, limit=5) as stream:
            reader = stream.next_reader()
            inline.run_udf(reader, SumSigUDF())
        assert reader.ending().losses.received == 5
        assert not reader.ending().complete

    def test_what_cannot_be_played(self, inline, tmp_path):
        (tmp_path / "a.txt").write_text("no frames here")
        with pytest.raises(ConfigError, match="no known format"):
            inline.replay(tmp_path / "a.txt")


class TestThroughASocket:
    """Out, and logged at the other end."""

    @pytest.mark.parametrize("pace", [Pace(), Pace(rate=400.0), Pace(speed=3.0)])
    def test_bit_for_bit(self, log, tmp_path, pace):
        wanted = [[bytes(part) for part in message.parts] for message in WireLog(log)]
        control, told = os.pipe()
        with PushOutlet("tcp://127.0.0.1:0") as outlet:
            source = ReplaySource(str(log), pace=pace)
            thread = threading.Thread(target=outlet.send, args=(source.messages(), pace))
            thread.start()
            with (
                connect(outlet.endpoint) as transport,
                LogWriter(tmp_path / "b.fflog", {}) as writer,
            ):
                record_wire(transport, writer, Until(messages=len(wanted)), control)
            thread.join()
        os.close(control)
        os.close(told)
        found = WireLog(tmp_path / "b.fflog")

        assert [[bytes(part) for part in message.parts] for message in found] == wanted
        if pace.speed or pace.rate:
            least = 0.13 / 3 if pace.speed else 13 / 400
            assert found.seconds > 0.8 * least

    def test_address_in_use(self):
        with (
            PushOutlet("tcp://127.0.0.1:0") as outlet,
            pytest.raises(ConfigError, match="cannot bind"),
        ):
            PushOutlet(outlet.endpoint)
