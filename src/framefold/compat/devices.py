"""What there is to compute with, under LiberTEM's names: CPUs."""

from __future__ import annotations

import os
from typing import Any

from framefold.api.executors import usable_cores

_use: dict[str, int | None] = {"cpu": None, "cuda": None}  # written by: set_use_cpu, set_use_cuda


def detect() -> dict[str, Any]:
    """Numbers of the CPUs there are; no GPUs.

    Returns
    -------
    dict
        ``cpus``: list of int; ``cudas``: empty list; ``has_cupy``: False.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = sorted(affinity(0)) if affinity is not None else list(range(usable_cores()))
    return {"cpus": cpus, "cudas": [], "has_cupy": False}


def has_cupy() -> bool:
    """False: frames come as numpy arrays."""
    return False


def get_use_cpu() -> int | None:
    """What `set_use_cpu` was told; 0 if nobody chose anything, None if it was a GPU."""
    return 0 if _use == {"cpu": None, "cuda": None} else _use["cpu"]


def get_use_cuda() -> int | None:
    """What `set_use_cuda` was told."""
    return _use["cuda"]


def set_use_cpu(cpu: int | None) -> None:
    """Remember a CPU; workers are placed by the operating system."""
    _use.update(cpu=cpu, cuda=None)


def set_use_cuda(cuda_device: int | None) -> None:
    """Remember a GPU; frames come as numpy arrays all the same."""
    _use.update(cpu=None, cuda=cuda_device)


def get_device_class() -> str:
    """``"cpu"``."""
    return "cpu"
