"""Messages are logged as they come, one log for each series."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cli.programs import until
from e2e.wires import wire
from framefold import SumUDF
from framefold.live.counters import Count
from framefold.live.ring import COUNTERS_BYTES
from framefold.live.settings import StreamSettings
from framefold.live.stream import Stream
from framefold.live.wire_log_state import WireLogState
from framefold.record.logging_receiver import logging_messages
from framefold.record.message_log import LogSettings, MessageLog
from framefold.wirelog import WireLog
from framefold_simulators.sender import Outlet


def scan(seed=4):
    return np.random.default_rng(seed).integers(0, 200, (3, 4, 9, 7)).astype("u2")


def read(path):
    log = WireLog(path)
    assert log.problems == []
    return [[bytes(part) for part in message.parts] for message in log]


class TestMessageLog:
    """Bit for bit, and no harm when it cannot be."""

    def test_a_log_for_each_series(self, tmp_path):
        one = MessageLog(LogSettings(str(tmp_path / "new"), "here"))
        both = [wire(scan(n), "simplon-v1", number=n) for n in (1, 2)]
        for parts in [[b"rubbish"], *both[0], *both[1]]:
            one.write(parts)
        one.close()
        found = [read(path) for path in sorted((tmp_path / "new").iterdir())]

        # what came before the first header is worth keeping, too
        assert sorted(found, key=len) == sorted([[[b"rubbish"]], *both], key=len)

    def test_each_file_has_counts_of_its_own(self, tmp_path):
        told, counts = [], np.zeros(COUNTERS_BYTES // 8, np.int64)
        one = MessageLog(LogSettings(str(tmp_path), "here"), counts=counts, tell=told.append)
        both = [wire(scan(n), number=n) for n in (1, 2)]
        for parts in [*both[0], *both[1]]:
            one.write(parts)
        one.close()
        messages, nbytes = (int(n) for n in counts[[Count.LOGGED_MESSAGES, Count.LOGGED_BYTES]])

        assert messages == len(both[0]) + len(both[1])
        assert nbytes == sum(path.stat().st_size for path in tmp_path.iterdir())
        state = told[1].at(messages, nbytes)
        assert (state.messages, state.nbytes) == (len(both[1]), Path(state.file).stat().st_size)

    def test_disk_becomes_full(self, tmp_path, caplog):
        room = [10**12, 10]
        told, counts = [], np.zeros(COUNTERS_BYTES // 8, np.int64)
        one = MessageLog(
            LogSettings(str(tmp_path), "here", 1000, 0.0),
            lambda _: room.pop(0) if room[1:] else room[0],
            counts=counts,
            tell=told.append,
        )
        messages = wire(scan())
        for parts in messages[:5]:
            one.write(parts)
        one.look_at_clock()
        for parts in messages[5:]:
            one.write(parts)
        (path,) = tmp_path.iterdir()

        assert read(path) == messages[:5]
        assert [(news.state, news.file) for news in told] == [
            ("logging", str(path)),
            ("stopped", str(path)),
        ]
        assert told[-1].reason == one.failure
        state = told[-1].at(*(int(n) for n in counts[[Count.LOGGED_MESSAGES, Count.LOGGED_BYTES]]))
        assert (state.messages, state.nbytes) == (5, path.stat().st_size)
        assert "GiB left" in one.failure
        assert "not logged any more" in caplog.text

    @staticmethod
    def switched(tmp_path, *, on):
        """A log, what it told, and its switch."""
        told, counts = [], np.zeros(COUNTERS_BYTES // 8, np.int64)
        counts[Count.LOG_OFF] = not on
        one = MessageLog(LogSettings(str(tmp_path), "here"), counts=counts, tell=told.append)
        return one, told, counts

    @pytest.mark.parametrize("protocol", ["simplon-v1", "simplon-v2"])
    def test_switched_in_the_middle_of_series(self, tmp_path, protocol):
        """Each is logged as a whole or not at all."""
        one, told, counts = self.switched(tmp_path, on=False)
        series = [wire(scan(n), protocol, number=n) for n in range(4)]
        one.write([b"rubbish"])
        for n, messages in enumerate(series):
            for parts in messages[:6]:
                one.write(parts)
            counts[Count.LOG_OFF] = n not in (0, 1)  # for the next: on, on, off
            for parts in messages[6:]:
                one.write(parts)
        one.close()
        found = sorted((read(path) for path in tmp_path.iterdir()), key=str)

        assert found == sorted(series[1:3], key=str)
        assert [news.state for news in told] == ["logging", "logging", "off"]
        state = told[-1].at(*(int(n) for n in counts[[Count.LOGGED_MESSAGES, Count.LOGGED_BYTES]]))
        assert (state.file, state.messages) == (told[1].file, len(series[2]))

    def test_a_header_that_comes_again_begins_nothing(self, tmp_path):
        one, told, counts = self.switched(tmp_path, on=False)
        header, *rest = wire(scan())
        one.write(header)
        counts[Count.LOG_OFF] = 0
        for parts in [header, *rest]:
            one.write(parts)
        one.close()

        assert (told, list(tmp_path.iterdir())) == ([], [])

    def test_a_failure_is_over_once_switched_off_and_on(self, tmp_path):
        one, told, counts = self.switched(tmp_path / "no" / "folder", on=True)
        (tmp_path / "no").write_text("in the way")
        for number, off in enumerate([0, 0, 1, 0]):
            counts[Count.LOG_OFF] = off
            if off:
                (tmp_path / "no").unlink()
            for parts in wire(scan(), number=number):
                one.write(parts)
        one.close()

        assert [news.state for news in told] == ["stopped", "off", "logging"]
        assert len(list((tmp_path / "no" / "folder").iterdir())) == 1

    def test_a_stream_has_its_receiver_look_at_the_switch(self, workers, tmp_path):
        """Also where images come many at a time."""
        data = np.random.default_rng(0).integers(0, 9, (20, 30, 8, 8)).astype("u2")
        both = [wire(data, number=n) for n in (1, 2)]
        on = [False]
        listening = logging_messages(LogSettings(str(tmp_path), "here", 0), lambda: on[0])
        outlet = Outlet()
        settings = StreamSettings(endpoint=outlet.endpoint, nav_shape=(20, 30))
        with closing(outlet), Stream(workers.launcher, settings, listening) as stream:
            assert stream.wire_log == WireLogState("off")
            outlet.send(both[0])
            workers.run_udf(stream.next_reader(), SumUDF())
            assert list(tmp_path.iterdir()) == []
            on[0] = True
            stream.heed()
            outlet.send(both[1])
            workers.run_udf(stream.next_reader(), SumUDF())
            until(lambda: stream.statistics().logged_messages == len(both[1]), "all logged")
        (path,) = tmp_path.iterdir()

        assert read(path) == both[1]

    def test_beside_processing(self, workers, detector, tmp_path):
        """Also what the receiver takes many at a time."""
        data = np.random.default_rng(0).integers(0, 9, (40, 50, 8, 8)).astype("u2")
        messages = wire(data)
        sender = detector(messages)
        with workers.stream(sender.endpoint, wire_log=tmp_path, nav_shape=(40, 50)) as stream:
            assert stream.wire_log == WireLogState("waiting")
            result = workers.run_udf(stream.next_reader(), SumUDF())["intensity"].data
            until(lambda: stream.statistics().logged_messages == len(messages), "all logged")
            told = stream.wire_log
        (path,) = tmp_path.iterdir()

        # its index comes at the end
        assert path.stat().st_size > told.nbytes > data.size // 8
        assert told == WireLogState("logging", "", str(path), len(messages), told.nbytes)
        assert (result == data.sum(axis=(0, 1))).all()
        assert read(path) == messages
