"""How much memory processes take."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from framefold.processes.memory import machine_bytes, private_bytes

ARENAS = """
import sys, threading
from pathlib import Path
from framefold.processes.memory import share_arenas

if sys.argv[1] == "shared":
    share_arenas()
met = threading.Barrier(9)

def allocate():
    kept = [bytearray(20_000) for _ in range(50)]
    met.wait()
    met.wait()
    del kept

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
met.wait()
starts = [int(line.split("-")[0], 16) for line in Path("/proc/self/maps").read_text().splitlines()]
print(sum(start % (64 << 20) == 0 for start in starts))
met.wait()
"""


def arenas(how: str) -> int:
    """Beside the main one; each begins at a multiple of 64 MiB."""
    run = subprocess.run(
        [sys.executable, "-c", ARENAS, how], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is another one")
def test_threads_share_arenas():
    # a limit that threads which come at the same moment may pass by one or two
    assert arenas("shared") <= 3 < 6 <= arenas("own")


def test_private_bytes():
    assert 1 << 20 < private_bytes(os.getpid()) < 1 << 40
    assert private_bytes(2**31 - 1) == 0


def test_machine_bytes():
    found = machine_bytes()

    assert found is not None
    assert private_bytes(os.getpid()) < found
