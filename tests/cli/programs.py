"""Runs our programs as people do, and sees to it that they end."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.traces import children, is_alive
from framefold.cli import main

PATIENCE = 60.0
"""How long a program may take; the first one on a machine compiles kernels [s]."""

SOON = 5.0
"""In which time everything must be gone that is to end [s]."""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str


def called(*arguments: object) -> Ended:
    """What `framefold` would say, without starting a program; for what ends at once."""
    out, err = io.StringIO(), io.StringIO()
    root = logging.getLogger()
    level = root.level
    with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(err):
        main([str(argument) for argument in arguments])
    root.setLevel(level)  # which `serve` sets
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, out.getvalue(), err.getvalue())


def framefold(*arguments: object) -> Ended:
    """Run ``framefold`` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "framefold", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def until(reached: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Look again and again, since nobody tells us of it."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"{what} did not come about in {seconds} s"
        # not to leave the others no time to bring it about
        time.sleep(0.01)


class Program:
    """A program that runs."""

    def __init__(self, *arguments: object, path: os.PathLike[str] | None = None) -> None:
        more = {} if path is None else {"PYTHONPATH": os.pathsep.join([str(path), *sys.path])}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "framefold", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | more,
        )
        self.pid = self._process.pid
        self._family: set[int] = set()

    def line(self) -> str:
        """The next line it says; empty when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def error_line(self) -> str:
        """The next line on its stderr."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def family(self) -> set[int]:
        """All processes of the program there have been whenever somebody asked."""
        self._family |= children(self.pid)
        return self._family

    def left(self) -> set[int]:
        """Those of them that live."""
        return {pid for pid in self._family if is_alive(pid)}

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.family()
        self._process.send_signal(number)

    def end(self, seconds: float = 15.0) -> Ended:
        """Wait for its end."""
        out, err = self._process.communicate(timeout=seconds)
        return Ended(self._process.returncode, out, err)

    def clear(self) -> None:
        """End whatever still lives."""
        self.family()
        self._process.kill()  # nothing happens to what has ended
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def running(*arguments: object, path: os.PathLike[str] | None = None) -> Iterator[Program]:
    """A program that is ended at the end, whatever became of it; it finds modules in ``path``."""
    program = Program(*arguments, path=path)
    try:
        yield program
    finally:
        program.clear()


def address_of(program: Program) -> str:
    """Where the page is, as the program says first of all."""
    found = re.search(r"http://\S+/", program.line())
    assert found is not None
    return found[0]


def ask(address: str, path: str) -> Any:
    """What the server says to a request."""
    try:
        with urllib.request.urlopen(address + path, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def merged(address: str) -> int:
    """How many frames are in the results of the newest acquisition."""
    return int((ask(address, "api/v1/status")["acquisition"] or {"merged": 0})["merged"])


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])
