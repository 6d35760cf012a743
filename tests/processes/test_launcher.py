"""Processes start from the fork server, and none outlives whoever started it."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
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


def take_one(connection: Connection) -> None:
    connection.recv_bytes()
    connection.send("took one")
    threading.Event().wait()


def compile_for_long() -> None:
    """What a server may be asked to do before it serves, without an end."""
    while True:
        with contextlib.suppress(BaseException):  # as greedy as compilers are
            Path("/proc/self/stat").read_text()


class Interrupted:
    """A control socket whose reader is interrupted once, as by Ctrl-C."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._left = 1

    def __getattr__(self, name: str) -> object:
        return getattr(self._control, name)

    def recv(self, size: int) -> bytes:
        if self._left:
            self._left -= 1
            raise KeyboardInterrupt
        return self._control.recv(size)


@pytest.fixture
def launcher(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with Launcher() as made:
        yield made


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


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

    def test_an_interrupted_start_does_not_mix_up_the_next(self, launcher, monkeypatch):
        """Ctrl-C while a process starts: the answer that comes late belongs to nobody."""
        monkeypatch.setattr(launcher, "_control", Interrupted(launcher._control))
        with pytest.raises(KeyboardInterrupt):
            launcher.spawn("echo", f"{HERE}:echo", "lost")
        child = launcher.spawn("echo", f"{HERE}:echo", "found")

        assert child.connection.recv() == ("found", child.pid, "1")
        assert launcher.reap(child) == "signal SIGKILL"
        assert not Path(f"/proc/{child.pid}").exists()
        assert not children_of(launcher.pid)

    def test_a_thread_that_sends_to_a_killed_process_hears_of_it(self, launcher):
        """Its descriptor must not be closed, and given to another, while the thread writes."""
        child = launcher.spawn("take", f"{HERE}:take_one")
        raised: list[BaseException] = []
        started = threading.Event()

        def send() -> None:
            try:
                started.set()
                while True:
                    child.send(b"x" * (4 << 20))
            except BaseException as error:
                raised.append(error)

        sending = threading.Thread(target=send)
        sending.start()
        started.wait()
        child.receive()
        launcher.reap(child)
        sending.join(30)

        assert [isinstance(error, OSError) for error in raised] == [True]
        assert child.connection.closed

    def test_a_thread_that_reads_from_a_reaped_process_hears_of_it(self, launcher):
        child = launcher.spawn("echo", f"{HERE}:echo", "hello")
        child.connection.recv()
        raised: list[BaseException] = []

        def read() -> None:
            try:
                child.receive()
            except BaseException as error:
                raised.append(error)

        reading = threading.Thread(target=read)
        reading.start()
        launcher.reap(child)
        reading.join(30)

        assert [isinstance(error, (OSError, EOFError)) for error in raised] == [True]

    @pytest.mark.parametrize("kib", [60, 70, 120, 200, 9000])
    def test_arguments_of_any_length_arrive(self, launcher, kib):
        greeting = "x" * (kib << 10)
        child = launcher.spawn("echo", f"{HERE}:echo", greeting)

        assert child.connection.recv()[0] == greeting

    def test_a_process_that_dies_of_long_arguments_is_reaped(self, launcher):
        """It cannot find its target, with or without arguments."""
        child = launcher.spawn("echo", f"{HERE}:nobody", "x" * (200 << 10))

        with pytest.raises((EOFError, OSError)):
            child.connection.recv()
        assert launcher.reap(child) in ("exit code 1", "signal SIGKILL")

    def test_a_launcher_without_server_says_so(self, launcher):
        os.kill(launcher.pid, signal.SIGKILL)

        with pytest.raises(RunFailedError, match="fork server"):
            launcher.spawn("echo", f"{HERE}:echo", "hello")

    def test_a_forgotten_launcher_leaves_no_process_and_no_warning(self, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        forgotten = Launcher()
        pid = forgotten.pid
        child = forgotten.spawn("echo", f"{HERE}:echo", "hello").pid
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del forgotten
            gc.collect()

        assert not caught
        assert not Path(f"/proc/{pid}").exists()
        assert not Path(f"/proc/{child}").exists()

    def test_hundreds_of_processes_leave_no_descriptor(self, launcher):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(100):
            launcher.reap(launcher.spawn("fail", f"{HERE}:fail"))

        assert len(os.listdir("/proc/self/fd")) == before
        assert not children_of(launcher.pid)

    def test_memory_is_shared(self, launcher):
        with Segment.create(4096) as segment:
            child = launcher.spawn("w", f"{HERE}:write_shared", segment.path, segment.size)

            assert child.connection.recv() == "written"
            assert list(segment.bytes[:5]) == [1, 2, 3, 4, 0]

    def test_closing_does_not_wait_for_what_is_preloaded(self, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        launcher = Launcher((f"{HERE}:compile_for_long",))
        launcher.close()

        assert not Path(f"/proc/{launcher.pid}").exists()

    def test_a_server_that_does_not_start_is_given_up(self, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        with Launcher((f"{HERE}:compile_for_long",), start_s=0.2) as launcher:
            with pytest.raises(RunFailedError, match=r"did not start within 0\.2 s"):
                launcher.spawn("echo", f"{HERE}:echo", "hello")
            with pytest.raises(RunFailedError, match="fork server"):
                launcher.spawn("echo", f"{HERE}:echo", "hello")

        assert not Path(f"/proc/{launcher.pid}").exists()

    def test_a_server_that_has_started_may_take_its_time(self, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        with Launcher(start_s=30.0) as launcher:
            launcher.spawn("echo", f"{HERE}:echo", "hello")

            assert launcher._control.gettimeout() is None

    def test_a_server_that_preloads_ends_when_its_starter_is_killed(self):
        code = (
            "import os, signal, sys\n"
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            "from framefold.processes.launcher import Launcher\n"
            f"Launcher(('{HERE}:compile_for_long',))\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        # the server has its starter's output: that comes to an end once both are gone
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

        assert done.returncode == -signal.SIGKILL
        assert done.stderr == b""

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

    def test_memory_is_free_once_nobody_looks(self):
        def mapped() -> int:
            return Path("/proc/self/maps").read_text().count("memfd:framefold")

        before = mapped()
        ours = Segment.create(1 << 16)
        theirs = Segment.attach(ours.path, ours.size)
        assert mapped() == before + 2
        theirs.close()
        ours.close()

        assert mapped() == before

    def test_a_segment_of_another_size_cannot_be_attached(self):
        before = len(os.listdir("/proc/self/fd"))
        with Segment.create(16) as ours, pytest.raises(ValueError, match="mmap"):
            Segment.attach(ours.path, 1 << 20)

        assert len(os.listdir("/proc/self/fd")) == before
