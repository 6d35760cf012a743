"""How much memory a tree of processes holds while it works, each shared page counted once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def tree(root: int) -> Iterator[int]:
    """A process and all that come of it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                facts = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we looked
            children.setdefault(int(facts[1]), []).append(int(entry.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, ())


def pss_bytes(pid: int) -> int:
    """Proportional set size of one process [bytes]; 0 if it is gone."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def is_sender(pid: int) -> bool:
    """Whether it plays the detector."""
    try:
        return b"dectris_sender.py" in (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


class PeakMemory(threading.Thread):
    """Looks at a tree of processes again and again, the sender left out.

    Parameters
    ----------
    root : int
        Its first process.
    seconds : float
        Between two looks [s].
    """

    def __init__(self, root: int, seconds: float = 0.1) -> None:
        super().__init__(name="memory", daemon=True)
        self._root = root
        self._seconds = seconds
        self._over = threading.Event()
        self.peak_bytes = 0  # written by: this thread

    def run(self) -> None:
        while not self._over.wait(self._seconds):
            pids = [pid for pid in tree(self._root) if not is_sender(pid)]
            self.peak_bytes = max(self.peak_bytes, sum(map(pss_bytes, pids)))

    def stop(self) -> int:
        """The most there was [bytes]."""
        self._over.set()
        self.join()
        return self.peak_bytes
