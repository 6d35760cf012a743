"""How much memory a process of ours uses for itself, and how much there is."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

_M_ARENA_MAX = -8  # malloc.h of the GNU C library
_ARENAS = 2


def share_arenas() -> None:
    """Have the threads of this process share the allocator's arenas from now on.

    The GNU C library gives threads arenas of their own, eight for each core, and what one of them
    has given back no other can use: a process of many threads that handle arrays grows for hours.
    Nothing happens where the allocator is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def private_bytes(pid: int) -> int:
    """Memory that a process uses and shares with nobody by name [bytes]; 0 when it is gone.

    Rings, arenas and mapped files do not count: they are there once, whoever looks at them.
    """
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0  # gone, or a machine that does not tell
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def machine_bytes() -> int | None:
    """Memory that this machine, or the container we are in, has [bytes]; None if unknown."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        return min(found, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        return found  # no container, or one without a limit
