"""Stderr: what our processes write to their stderr, passed on with their names, the end kept."""

from __future__ import annotations

import os
import selectors
import threading
from collections import deque

from framefold.errors import RunFailedError

CHUNK_BYTES = 1 << 16
LINE_BYTES = 1 << 13
"""A line without an end is passed on in pieces of this length."""
TAIL_LINES = 100
"""Lines of a process that are kept."""
OURS = 2
"""Descriptor that everything is passed on to."""


class Said:
    """What one process wrote to its stderr.

    Parameters
    ----------
    name : str
        What each of its lines begins with where it is passed on.
    source : int
        Descriptor to read it from.
    """

    def __init__(self, name: str, source: int) -> None:
        self.name = name
        self.source = source
        self.ended = threading.Event()
        """Set once nobody can write there any more."""
        # written by: who holds the lock of `Stderr`
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._open_line = b""

    @property
    def tail(self) -> str:
        """Its last lines; empty when it wrote nothing."""
        return "\n".join(self._lines)

    def add(self, piece: bytes) -> bytes:
        """Note what it wrote; gives whole lines to pass on, with its name in front of each."""
        *whole, rest = (self._open_line + piece).split(b"\n")
        if len(rest) > LINE_BYTES:
            whole.append(rest)
            rest = b""
        self._open_line = rest
        self._lines.extend(line.decode("utf-8", "replace") for line in whole)
        return b"".join(b"%s: %s\n" % (self.name.encode(), line) for line in whole)

    def end(self) -> bytes:
        """It writes no more: what is left is a line, too."""
        return self.add(b"\n") if self._open_line else b""


class Stderr:
    """Listens to the stderr of any number of processes, in a thread that sleeps otherwise."""

    def __init__(self) -> None:
        # held by: who reads from the processes, or changes whom we listen to
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = os.pipe()
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._open: set[Said] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name="stderr", daemon=True)
        self._thread.start()

    def open(self, name: str) -> tuple[Said, int]:
        """Listen to one more process.

        Parameters
        ----------
        name : str
            What its lines begin with.

        Returns
        -------
        said : Said
        descriptor : int
            What becomes its stderr; the caller closes it once the process has it.

        Raises
        ------
        RunFailedError
            Once it is closed.
        """
        with self._lock:
            if self._closed:
                raise RunFailedError("no process can be started: the launcher is closed")
            source, descriptor = os.pipe()
            os.set_blocking(source, False)
            said = Said(name, source)
            self._open.add(said)
            self._selector.register(source, selectors.EVENT_READ, said)
        return said, descriptor

    def finish(self, said: Said) -> None:
        """Take what a process that is gone has written, and listen to it no more."""
        with self._lock:
            self._finish(said)

    def _finish(self, said: Said) -> None:
        if said not in self._open:
            return
        while self._take(said):
            pass
        self._drop(said)

    def _drop(self, said: Said) -> None:
        self._open.discard(said)
        self._selector.unregister(said.source)
        os.close(said.source)
        _pass_on(said.end())
        said.ended.set()

    def _take(self, said: Said) -> int:
        """Read what is there; how many bytes, 0 for none and for the end."""
        try:
            piece = os.read(said.source, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        _pass_on(said.add(piece))
        return len(piece)

    def _listen(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with self._lock:
                    said: Said = key.data
                    # it may have been finished since
                    if said in self._open and not self._take(said):
                        self._drop(said)

    def close(self) -> None:
        """Take what is left of all processes, and listen to nobody any more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        os.write(self._wake_out, b"!")
        if threading.current_thread() is not self._thread:
            self._thread.join()
        with self._lock:
            for said in tuple(self._open):
                self._finish(said)
            self._selector.close()
        os.close(self._wake_in)
        os.close(self._wake_out)


def _pass_on(lines: bytes) -> None:
    while lines:
        try:
            lines = lines[os.write(OURS, lines) :]
        except OSError:
            return  # nobody reads our stderr: what was said is still kept
