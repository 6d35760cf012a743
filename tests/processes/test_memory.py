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
from framefold.processes.memory import give_memory_back

if sys.argv[1] == "shared":
    give_memory_back()
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
# beside the main one; each begins at a multiple of 64 MiB
print(sum(start % (64 << 20) == 0 for start in starts))
met.wait()
"""


LARGE = """
import os, sys
from framefold.processes.memory import give_memory_back, private_bytes

if sys.argv[1] == "shared":
    give_memory_back()
del (largest := [bytearray(24 << 20)])[:]  # from now on the allocator takes such from its heap
before = private_bytes(os.getpid())
many = [bytearray(1 << 20) for _ in range(64)]
last = bytearray(200_000)  # above them in the heap
del many
print(private_bytes(os.getpid()) - before)
"""


def told(program: str, how: str) -> int:
    """What a program says in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", program, how], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is another one")


@glibc
def test_large_arrays_are_given_back():
    assert told(LARGE, "shared") < 2 << 20
    assert told(LARGE, "own") > 32 << 20


@glibc
def test_threads_share_arenas():
    # a limit that threads which come at the same moment may pass by one or two
    assert told(ARENAS, "shared") <= 3 < 6 <= told(ARENAS, "own")


def test_private_bytes():
    assert 1 << 20 < private_bytes(os.getpid()) < 1 << 40
    assert private_bytes(2**31 - 1) == 0


def test_machine_bytes():
    found = machine_bytes()

    assert found is not None
    assert private_bytes(os.getpid()) < found
