"""CPU time from the kernel's own books: of processes by their role, and of the whole machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

PROC = Path("/proc")
TICKS_S = os.sysconf("SC_CLK_TCK")


def of_process(pid: int) -> float:
    """CPU of all threads it has and has had [s].

    Raises
    ------
    FileNotFoundError
        If the process is gone.
    """
    facts = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / TICKS_S


def of_roles(roles: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """CPU by who they are [s]."""
    return {role: sum(map(of_process, pids)) for role, pids in roles.items()}


def of_machine() -> float:
    """CPU of everybody, and what the host took away [s]."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, (PROC / "stat").read_text().split(maxsplit=9)[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS_S
