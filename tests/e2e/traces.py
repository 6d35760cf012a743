"""What a program leaves behind: processes that live on, and shared memory."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = "/dev/shm"
"""Where named shared memory stands; anonymous memory goes with the last process that has it."""


def children(of: int) -> set[int]:
    """All processes that come from one, children of children, too; zombies do not count."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # the name stands in parentheses and may hold anything
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended meanwhile
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    found = {of}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {of}


def is_alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Traces:
    """What there is now of this process's, to be held against what there is later."""

    def __init__(self) -> None:
        self._processes = children(os.getpid())
        self._memory = set(os.listdir(SHARED))

    def processes(self) -> list[int]:
        """Descendants that were not there before."""
        return sorted(children(os.getpid()) - self._processes)

    def memory(self) -> list[str]:
        """Shared memory that was not there before."""
        return sorted(set(os.listdir(SHARED)) - self._memory)
