"""Launcher: starts our processes from a warmed fork server, and knows how they ended."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Self

from framefold.errors import RunFailedError
from framefold.processes.server import MESSAGE_BYTES, TELL_AND_END
from framefold.processes.stderr import Said, Stderr

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
"""Libraries read these when they load: the workers are the parallelism, and a fork server
must have no threads."""

START_SECONDS = 300.0
"""How long a fork server may take until it serves: what it preloads may compile, on a machine that
does much else."""

TELL_SECONDS = 5.0
"""How long a process may take to say where it is before it is ended."""

EVERYWHERE: list[str] = []  # written by: framefold.compat
"""What every fork server started from now on preloads beside what it is told to."""


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """One of our processes, which several threads may talk to.

    Parameters
    ----------
    name : str
        What it is called in logs.
    pid : int
        Its process number.
    connection : multiprocessing.connection.Connection
        Our end of its pipe; reading raises ``EOFError`` once it is gone.
    said : Said
        What it writes to its stderr.
    """

    name: str
    pid: int
    connection: Connection
    said: Said
    # a descriptor that is closed while another thread uses it is soon somebody else's
    _sending: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _receiving: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def send(self, *facts: object) -> None:
        """Send a message; waits for room in the pipe.

        Raises
        ------
        OSError
            If the process is gone.
        """
        packed = pickle.dumps(facts)
        with self._sending:
            self.connection.send_bytes(packed)

    def receive(self) -> tuple[Any, ...]:
        """The next message; waits for it.

        Raises
        ------
        EOFError, OSError
            If the process is gone.
        """
        with self._receiving:
            packed = self.connection.recv_bytes()
        message: tuple[Any, ...] = pickle.loads(packed)
        return message

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether there is a message, or the process is gone; waits up to ``timeout`` s.

        Raises
        ------
        OSError
            If our end was closed.
        """
        with self._receiving:
            return self.connection.poll(timeout)

    def close(self) -> None:
        """Close our end, once no thread uses it: the process must be gone, or they may wait."""
        with self._sending, self._receiving:
            self.connection.close()


class Launcher:
    """Starts processes; ends them all when closed, or when this process dies.

    Parameters
    ----------
    preload : sequence of str
        ``module`` to import, or ``module:function`` to call, in the server before it forks.
    start_s : float
        How long that may take until the first process is started [s]; then the server is ended.
    """

    def __init__(self, preload: Sequence[str] = (), start_s: float = START_SECONDS) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._start_s = start_s
        ours.settimeout(start_s)  # until it has answered once
        self._lock = threading.Lock()
        self._closed = False
        self._asked = 0  # number of the last question
        with theirs:
            command = [sys.executable, "-m", "framefold.processes.server", str(theirs.fileno())]
            environment = os.environ | ONE_THREAD
            # the server must find the same packages, also those put on the path by hand
            environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
            self._server = subprocess.Popen(
                [*command, *EVERYWHERE, *preload], pass_fds=[theirs.fileno()], env=environment
            )
        self._stderr = Stderr()
        # also for those who forget to close: no process stays behind, and no zombie
        self._end = weakref.finalize(self, _end, ours, self._server, self._stderr)

    @property
    def pid(self) -> int:
        """Process number of the fork server."""
        return self._server.pid

    def _ask(
        self, message: tuple[object, ...], descriptors: Sequence[int] = ()
    ) -> tuple[str, object]:
        with self._lock:
            if self._closed:
                raise RunFailedError("no process can be started: the launcher is closed")
            self._asked += 1
            packed = pickle.dumps((self._asked, *message))
            try:
                socket.send_fds(self._control, [packed], list(descriptors))
                return self._answer(self._asked)
            except TimeoutError as error:
                self._server.kill()  # what comes late would belong to nobody
                raise RunFailedError(
                    f"the fork server did not start within {self._start_s:g} s: what it preloads "
                    "hangs, or the machine is too busy; its last words are on stderr"
                ) from error
            except OSError as error:
                raise RunFailedError(f"the fork server is gone: {error}") from error

    def _answer(self, asked: int) -> tuple[str, object]:
        while True:
            answer = self._control.recv(MESSAGE_BYTES)
            if not answer:
                raise RunFailedError(
                    f"the fork server ended with exit code {self._server.poll()}; "
                    "its last words are on stderr"
                )
            self._control.settimeout(None)  # it serves
            number, verb, fact = pickle.loads(answer)
            if number == asked:
                return verb, fact
            if verb == "spawned":
                # Ctrl-C came while somebody waited for this answer: nobody knows this process
                self._control.send(pickle.dumps((0, "reap", fact)))

    def spawn(self, name: str, target: str, *arguments: object) -> Child:
        """Start a process.

        Parameters
        ----------
        name : str
            What it is called in logs, and what lines begin with that it writes to stderr.
        target : str
            ``module:function``; it is called with the other end of the pipe and ``arguments``.
        *arguments : object
            Picklable values.

        Raises
        ------
        RunFailedError
            If no process can be started.
        """
        said, stderr = self._stderr.open(name)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                packed = pickle.dumps(arguments)
                # what is long comes down its own pipe, which knows no longest message
                is_long = len(packed) > MESSAGE_BYTES // 2
                message = ("spawn", target, None if is_long else packed)
                verb, fact = self._ask(message, [theirs.fileno(), stderr])
            if verb != "spawned":
                raise RunFailedError(f"process {name!r} cannot be started: {fact}")
        except BaseException:
            ours.close()
            self._stderr.finish(said)
            raise
        finally:
            os.close(stderr)
        assert isinstance(fact, int)
        child = Child(name, fact, Connection(ours.detach()), said)
        if is_long:
            self._hand_over(child, packed)
        return child

    def _hand_over(self, child: Child, packed: bytes) -> None:
        try:
            child.connection.send_bytes(packed)
        except OSError as error:
            how = self.reap(child)
            raise RunFailedError(f"process {child.name!r} ended at its start: {how}") from error
        except BaseException:  # Ctrl-C: nobody will know this process
            self.reap(child)
            raise

    def end_telling(self, child: Child) -> str:
        """End a process that does not answer any more; it writes where it is to its stderr first.

        Returns
        -------
        str
            As `reap`.
        """
        try:
            os.kill(child.pid, TELL_AND_END)  # it is not reaped yet: the number is its own
        except ProcessLookupError:
            return self.reap(child)  # its fork server is gone, and it with that
        child.said.ended.wait(TELL_SECONDS)
        return self.reap(child)

    def reap(self, child: Child) -> str:
        """End a process if it still lives, and say how it ended.

        Returns
        -------
        str
            ``"exit code 1"`` or ``"signal SIGKILL"``, for messages.
        """
        try:
            _, code = self._ask(("reap", child.pid))
        finally:
            # only now: a thread that still sends to it or reads from it has been told
            child.close()
            self._stderr.finish(child.said)
        assert isinstance(code, int)
        return f"signal {_signal(-code)}" if code < 0 else f"exit code {code}"

    def abandon(self) -> None:
        """End the server at once, whatever it is doing; who waits for a process gets an error."""
        self._server.kill()

    def close(self) -> None:
        """End the server and with it every process it started; returns when they are gone."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end(control: socket.socket, server: subprocess.Popen[bytes], stderr: Stderr) -> None:
    control.close()
    server.wait()
    stderr.close()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have numbers only
        return str(number)
