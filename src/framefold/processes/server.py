"""The fork server: a warmed process without threads whose children start in milliseconds.

Run as ``python -m framefold.processes.server DESCRIPTOR``. It forks only itself, never a
process that has threads, sockets or locks of somebody else; and when whoever started it is
gone, it ends its children and itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from framefold.registry import load_target

MESSAGE_BYTES = 128 << 10
"""Longest message to or from the server; arguments are small, data goes another way. Packets
of a Unix socket must fit its buffer, some 200 KiB by default."""

TELL_AND_END = signal.SIGUSR1
"""A child that gets this writes to stderr where each of its threads is, and ends."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_SECONDS = 0.25


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the process that forked it is gone."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def _wanted(control: socket.socket) -> Iterator[None]:
    """End this process as soon as whoever started it is gone, whatever it is doing.

    What is preloaded may compile for half a minute, and a thread that watches is not allowed.
    """
    watched = select.poll()
    watched.register(control, 0)  # the end of the other side is always told

    def look(_number: int, _frame: FrameType | None) -> None:
        if watched.poll(0):
            os._exit(0)  # not an exception, which what is interrupted might catch

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def count_threads() -> int:
    """How many threads this process has, those of libraries included."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else 1


def _run_child(target: str, arguments: bytes | None, channel: int, stderr: int, parent: int) -> int:
    """What a child does with its life; its exit code."""
    die_with_parent()
    if os.getppid() != parent:
        return 1
    os.dup2(stderr, 2)
    os.close(stderr)
    # the last words of one that crashes, and of one that hangs, whatever it hangs in
    faulthandler.enable()
    faulthandler.register(TELL_AND_END, chain=True)
    connection = Connection(channel)
    try:
        packed = connection.recv_bytes() if arguments is None else arguments
        load_target(target)(connection, *pickle.loads(packed))
    except (KeyboardInterrupt, BrokenPipeError, EOFError):
        return 0  # whoever we worked for is gone
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:  # noqa: BLE001 - the last fence of a process: say why it ends
        traceback.print_exc()
        return 1
    return 0


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()

    def serve(self) -> None:
        while True:
            message, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 4)
            if not message:
                return
            number, verb, *facts = pickle.loads(message)
            if verb == "spawn":
                answer = self._spawn(facts[0], facts[1], *descriptors)
            else:
                answer = self._reap(facts[0])
            # the number tells whoever asked from one who was interrupted while waiting
            self._control.send(pickle.dumps((number, *answer)))

    def _spawn(
        self, target: str, arguments: bytes | None, channel: int, stderr: int
    ) -> tuple[str, object]:
        if count_threads() != 1:
            # a fork would copy locks that no thread of the child ever releases
            os.close(channel)
            os.close(stderr)
            return "refused", f"{count_threads()} threads run in the fork server"
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._control.close()
            code = _run_child(target, arguments, channel, stderr, parent)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # no exit handlers: they belong to the server
        os.close(channel)
        os.close(stderr)
        self._children.add(pid)
        return "spawned", pid

    def _reap(self, pid: int) -> tuple[str, object]:
        if pid not in self._children:
            return "reaped", 0
        os.kill(pid, signal.SIGKILL)  # dead already, or to be
        _, status = os.waitpid(pid, 0)
        self._children.discard(pid)
        return "reaped", os.waitstatus_to_exitcode(status)

    def end_children(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)


def main(arguments: Sequence[str]) -> int:
    """Serve until whoever started us is gone.

    Parameters
    ----------
    arguments : sequence of str
        Descriptor number of the control socket, then what to import and, where it is
        ``module:function``, to call before the first fork.
    """
    # Ctrl-C reaches the whole group: the one who started us decides what ends, and when
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(arguments[0]))
    with _wanted(control):
        for target in arguments[1:]:
            found = load_target(target)
            if ":" in target:
                found()
    # what was imported stays: children need not look through it, or copy its pages, to find
    # what of their own is garbage
    gc.collect()
    gc.freeze()
    server = _Server(control)
    try:
        server.serve()
    except BrokenPipeError:
        pass  # whoever asked did not wait for the answer
    finally:
        server.end_children()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
