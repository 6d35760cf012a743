"""Messages go in and come out bit for bit, whatever becomes of the end of the file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold.errors import DataError, FramefoldError
from framefold.wirelog import LogWriter, WireLog, layout
from framefold.wirelog.finishing import finish_log

PARTS = st.lists(st.binary(max_size=300), min_size=1, max_size=5)
MESSAGES = st.lists(PARTS, max_size=12)
FRESH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)


def write(path: Path, messages, level=None) -> Path:
    path.unlink(missing_ok=True)
    with LogWriter(path, {"source": "here"}, level) as writer:
        for i, parts in enumerate(messages):
            writer.write(parts, 1000 + 7 * i, 10**18 + i, socket=i % 3)
    return path


def read(log: WireLog):
    return [[bytes(part) for part in message.parts] for message in log]


class TestWholeLogs:
    """What was closed."""

    @pytest.mark.parametrize("level", [None, 3])
    @given(messages=MESSAGES)
    @FRESH
    def test_bit_for_bit(self, tmp_path, messages, level):
        if level:
            pytest.importorskip("zstandard")
        log = WireLog(write(tmp_path / "a.fflog", messages, level))

        assert read(log) == messages
        assert log.problems == []
        assert log.is_closed
        assert log.facts == {"source": "here"}
        assert [m.monotonic_ns for m in log] == [1000 + 7 * i for i in range(len(messages))]
        assert [m.wall_ns for m in log] == [10**18 + i for i in range(len(messages))]
        assert [m.socket for m in log] == [i % 3 for i in range(len(messages))]

    def test_views_may_be_written(self, tmp_path):
        path = tmp_path / "a.fflog"
        with LogWriter(path, {}) as writer:
            writer.write([memoryview(b"abcdef")[2:5]], 0, 0)
        assert read(WireLog(path)) == [[b"cde"]]

    def test_never_written_over(self, tmp_path):
        path = write(tmp_path / "a.fflog", [[b"x"]])
        with pytest.raises(DataError, match="exists already"):
            LogWriter(path, {})

    def test_layout(self, tmp_path):
        """The bytes, as the description has them."""
        content = write(tmp_path / "a.fflog", [[b"abc", b""]]).read_bytes()
        facts = b'{"source": "here"}'
        assert content[:8] == b"\x89FFLOG\r\n"
        assert int.from_bytes(content[8:12], "little") == 1
        assert content[20 : 20 + len(facts)] == facts
        record = content[20 + len(facts) :]
        assert record[:4] == b"FFms"
        assert int.from_bytes(record[8:16], "little") == 2 * 8 + 3
        assert int.from_bytes(record[16:24], "little") == 1000
        assert int.from_bytes(record[24:32], "little") == 10**18
        assert int.from_bytes(record[36:40], "little") == 2
        assert record[40:59] == bytes([3]) + bytes(7) + bytes(8) + b"abc"
        assert record[59:63] == b"FFix"
        assert content.endswith(b"FFLOGEND")


class TestDamagedLogs:
    """What was cut off, or has bad bytes in it."""

    @given(messages=MESSAGES.filter(len), data=st.data())
    @FRESH
    def test_cut_off_anywhere(self, tmp_path, messages, data):
        path = write(tmp_path / "a.fflog", messages)
        ends = [int(place) for place in WireLog(path).index[1:, 0]]
        whole = path.stat().st_size
        index = layout.RECORD_HEAD.size + 16 * len(messages) + layout.TRAILER.size
        ends.append(whole - index)
        size = data.draw(st.integers(38, whole - 1))
        os.truncate(path, size)
        log = WireLog(path)

        assert read(log) == messages[: sum(end <= size for end in ends)]
        assert not log.is_closed
        assert log.problems

    @given(messages=MESSAGES.filter(len), data=st.data())
    @FRESH
    def test_one_bad_byte(self, tmp_path, messages, data):
        """All messages but at most one are there."""
        path = write(tmp_path / "a.fflog", messages)
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        try:
            log = WireLog(path)
        except DataError:
            assert at < 38  # in what stands before the messages
            return
        found = []
        for number in range(len(log)):
            try:
                found.append([bytes(part) for part in log.message(number).parts])
            except DataError:
                continue
        left = list(messages)
        assert all(message in left for message in found)
        assert len(found) >= len(messages) - 1

    @given(st.binary(max_size=400))
    @FRESH
    def test_rubbish(self, tmp_path, content):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(FramefoldError):
            WireLog(tmp_path / "a")

    def test_finish(self, tmp_path):
        messages = [[b"a" * 100], [b"b", b"c"], [b"d" * 50]]
        path = write(tmp_path / "a.fflog", messages)
        assert finish_log(path) is None
        os.truncate(path, path.stat().st_size - 130)
        assert finish_log(path) == 2
        log = WireLog(path)
        assert log.is_closed
        assert log.problems == []
        assert read(log) == messages[:2]


PROGRAM = """
import sys
from framefold.wirelog import LogWriter
writer = LogWriter(sys.argv[1], {})
for i in range(10**9):
    writer.write([b"%d" % i, bytes(2000)], i, i)
    if i % 50 == 49:
        writer.flush()
        print(i + 1, flush=True)
"""


class TestKilled:
    """SIGKILL in the middle of writing."""

    def test_what_was_flushed_is_there(self, tmp_path):
        path = tmp_path / "a.fflog"
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True
        ) as program:
            for _ in range(37):
                program.stdout.readline()
            program.kill()
            said = program.stdout.read().splitlines(keepends=True)
        flushed = int(said[-1]) if said and said[-1].endswith("\n") else 37 * 50
        log = WireLog(path)

        assert len(log) >= flushed
        assert all(bytes(log.message(i).parts[0]) == b"%d" % i for i in range(flushed))
