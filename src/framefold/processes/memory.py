"""How much memory a process of ours uses for itself, and how much there is."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # malloc.h of the GNU C library
_ARENAS = 2
_OF_ITS_OWN_BYTES = 32 << 10


def give_memory_back() -> None:
    """Have the allocator of this process give back what is freed, from now on.

    The GNU C library gives threads arenas of their own, eight for each core, and what one of them
    has freed no other can use. And once a large array was freed it takes others of that size from
    its heap, which shrinks only from the top. A process of many threads that handle arrays grows
    for hours. So threads share arenas, and every large array is mapped by itself. Nothing happens
    where the allocator is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _OF_ITS_OWN_BYTES)


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
