"""Messages are logged as they come, one log for each series."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cli.programs import until
from e2e.wires import wire
from framefold import SumUDF
from framefold.live.counters import Count
from framefold.live.ring import COUNTERS_BYTES
from framefold.live.wire_log_state import WireLogState
from framefold.record.message_log import LogSettings, MessageLog
from framefold.wirelog import WireLog


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
