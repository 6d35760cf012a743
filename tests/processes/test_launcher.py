"""Processes start from the fork server, and none outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from framefold.errors import RunFailedError
from framefold.processes.launcher import Child, Launcher
from framefold.processes.segment import Attached, Segment

HERE = "test_launcher"


def echo(connection: Connection, greeting: str) -> None:
    connection.send((greeting, os.getpid(), os.environ["OMP_NUM_THREADS"]))
    while True:
        connection.send(connection.recv())


def fail(connection: Connection) -> None:
    raise SystemExit(7)


def write_shared(connection: Connection, path: str, size: int) -> None:
    Attached().get(path, size)[:4] = (1, 2, 3, 4)
    connection.send("written")


@pytest.fixture
def launcher(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with Launcher() as made:
        yield made


def gone(child: Child) -> bool:
    """Whether a process has ended; waits for the pipe to say so."""
    try:
        while True:
            child.connection.recv()
    except (EOFError, ConnectionResetError):
        return True


class TestLauncher:
    """A launcher starts processes and ends them."""

    def test_child_gets_arguments_and_one_thread_per_library(self, launcher):
        child = launcher.spawn("echo", f"{HERE}:echo", "hello")

        assert child.connection.recv() == ("hello", child.pid, "1")
        child.connection.send({"a": 1})
        assert child.connection.recv() == {"a": 1}

    def test_reap_tells_how_a_process_ended(self, launcher):
        killed = launcher.spawn("echo", f"{HERE}:echo", "hello")
        killed.connection.recv()
        os.kill(killed.pid, signal.SIGKILL)

        assert gone(killed)
        assert launcher.reap(killed) == "signal SIGKILL"

    def test_a_killed_child_closes_its_pipe_though_siblings_live(self, launcher):
        first = launcher.spawn("echo", f"{HERE}:echo", "a")
        second = launcher.spawn("echo", f"{HERE}:echo", "b")
        first.connection.recv()
        second.connection.recv()
        os.kill(first.pid, signal.SIGKILL)

        assert gone(first)
        second.connection.send("still here")
        assert second.connection.recv() == "still here"

    def test_closing_ends_every_child(self, launcher):
        child = launcher.spawn("echo", f"{HERE}:echo", "hello")
        child.connection.recv()
        launcher.close()

        assert not Path(f"/proc/{child.pid}").exists()
        with pytest.raises(RunFailedError, match="closed"):
            launcher.spawn("echo", f"{HERE}:echo", "hello")

    def test_memory_is_shared(self, launcher):
        with Segment.create(4096) as segment:
            child = launcher.spawn("w", f"{HERE}:write_shared", segment.path, segment.size)

            assert child.connection.recv() == "written"
            assert list(segment.bytes[:5]) == [1, 2, 3, 4, 0]

    def test_children_die_when_their_starter_is_killed(self, monkeypatch):
        """Even SIGKILL of the main process leaves no process behind."""
        here = str(Path(__file__).parent)
        code = (
            "import os, signal, sys\n"
            "from framefold.processes.launcher import Launcher\n"
            "launcher = Launcher()\n"
            f"child = launcher.spawn('echo', '{HERE}:echo', 'hello')\n"
            "child.connection.recv()\n"
            "print(child.pid, flush=True)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        path = os.pathsep.join([here, *sys.path])
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,  # held open by the grandchildren: ends when the last is gone
            timeout=30,
            check=False,
        )

        assert done.returncode == -signal.SIGKILL
        assert not Path(f"/proc/{int(done.stdout)}").exists()


class TestSegment:
    """A segment is memory that several processes see."""

    def test_attached_sees_what_the_owner_writes(self):
        with Segment.create(100) as ours:
            theirs = Segment.attach(ours.path, 100)
            ours.bytes[99] = 7

            assert theirs.bytes[99] == 7
            theirs.close()

    def test_arrays_stay_good_after_closing(self):
        ours = Segment.create(16)
        array = ours.bytes
        array[:] = 3
        ours.close()

        assert array.sum() == 48

    def test_a_closed_segment_cannot_be_attached(self):
        ours = Segment.create(16)
        ours.close()

        with pytest.raises(FileNotFoundError):
            Segment.attach(ours.path, 16)

    def test_a_new_segment_at_the_same_descriptor_is_another(self):
        """The kernel gives descriptor numbers again; what was attached must not be mistaken."""
        attached = Attached()
        first = Segment.create(16)
        first.bytes[:] = 1
        assert attached.get(first.path, 16)[0] == 1
        old, number = first.path, first.path.partition("#")[0]
        first.close()
        second = Segment.create(16)
        assert second.path.partition("#")[0] == number
        second.bytes[:] = 2

        assert attached.get(second.path, 16)[0] == 2
        with pytest.raises(FileNotFoundError):
            attached.get(old, 16)
        second.close()
        attached.close()
