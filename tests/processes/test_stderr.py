"""What processes write to their stderr is passed on with their names, and its end is kept."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from framefold.errors import RunFailedError
from framefold.processes.launcher import Launcher
from framefold.processes.stderr import LINE_BYTES, TAIL_LINES, Said, Stderr

HERE = "test_stderr"


def talk_and_end(connection, text: bytes) -> None:
    os.write(2, text)
    connection.send("said")
    raise SystemExit(3)


def crash(connection) -> None:
    os.kill(os.getpid(), 11)


def hang(connection) -> None:
    connection.send("here")
    threading.Event().wait()


@pytest.fixture
def launcher(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with Launcher() as made:
        yield made


class TestSaid:
    """Lines, whatever pieces they come in."""

    def test_each_line_gets_the_name(self):
        said = Said("worker-3", -1)

        assert said.add(b"one\ntw") == b"worker-3: one\n"
        assert said.add(b"o\n") == b"worker-3: two\n"
        assert said.tail == "one\ntwo"

    def test_the_last_line_may_lack_its_end(self):
        said = Said("w", -1)
        said.add(b"killed in the mid")

        assert said.end() == b"w: killed in the mid\n"
        assert said.tail == "killed in the mid"
        assert said.end() == b""

    def test_only_the_end_is_kept(self):
        said = Said("w", -1)
        said.add(b"".join(b"%d\n" % n for n in range(1000)))

        assert said.tail.splitlines() == [str(n) for n in range(1000 - TAIL_LINES, 1000)]

    def test_a_line_without_end_does_not_grow(self):
        said = Said("w", -1)

        assert len(said.add(b"x" * (LINE_BYTES + 1))) == LINE_BYTES + 5
        assert said.tail == "x" * (LINE_BYTES + 1)


class TestStderr:
    """Many processes, one listener."""

    def test_what_is_left_is_taken_at_the_end(self, capfd):
        stderr = Stderr()
        said, descriptor = stderr.open("a")
        os.write(descriptor, b"last")
        os.close(descriptor)
        stderr.close()

        assert said.tail == "last"
        assert said.ended.is_set()
        assert capfd.readouterr().err == "a: last\n"
        with pytest.raises(RunFailedError, match="closed"):
            stderr.open("b")

    def test_one_whose_children_still_hold_it_is_not_waited_for(self):
        stderr = Stderr()
        said, descriptor = stderr.open("a")
        os.write(descriptor, b"a word\n")
        stderr.finish(said)
        os.close(descriptor)
        stderr.close()

        assert said.tail == "a word"


class TestProcesses:
    """Our processes, at their end."""

    def test_last_words(self, launcher, capfd):
        child = launcher.spawn("talker", f"{HERE}:talk_and_end", b"first\nlast")
        child.receive()

        assert launcher.reap(child) in ("exit code 3", "signal SIGKILL")
        assert child.said.ended.wait(30)
        assert child.said.tail == "first\nlast"
        assert capfd.readouterr().err == "talker: first\ntalker: last\n"

    def test_a_crash_says_where(self, launcher):
        child = launcher.spawn("crasher", f"{HERE}:crash")
        assert child.said.ended.wait(30)
        how = launcher.reap(child)

        assert how == "signal SIGSEGV"
        assert "Segmentation fault" in child.said.tail
        assert "in crash" in child.said.tail

    def test_one_that_hangs_says_where(self, launcher):
        child = launcher.spawn("hanging", f"{HERE}:hang")
        child.receive()

        assert launcher.end_telling(child) == "signal SIGUSR1"
        assert "in hang" in child.said.tail

    def test_one_that_is_gone_cannot_say_anything(self, launcher):
        child = launcher.spawn("hanging", f"{HERE}:hang")
        child.receive()
        launcher.close()

        with pytest.raises(RunFailedError):
            launcher.end_telling(child)
        assert child.said.tail == ""
