"""Limits: how long a worker may take for a block, and how much memory it may use."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framefold.errors import ParameterError
from framefold.processes.memory import machine_bytes

SCRIPT_BLOCK_SECONDS = 600.0
"""Scripts may fit a model to every frame of a block; a block of a live scan is over in less than
a second."""

MACHINE_SHARE = 0.8
"""A worker that has so much of the machine's memory for itself is ended by us, who say so, before
the kernel ends whoever it likes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may take; one that takes more is replaced.

    Parameters
    ----------
    block_seconds : float or None
        Time for one block [s]; None or infinity for as long as it likes.
    memory_bytes : int or None
        Memory of its own [bytes]; None for four fifths of what the machine has.

    Raises
    ------
    ParameterError
        If one of them is not more than zero.
    """

    block_seconds: float | None = SCRIPT_BLOCK_SECONDS
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("block_seconds", "memory_bytes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ParameterError(f"{name}={value}: give more than 0, or None")
        if self.block_seconds == math.inf:
            object.__setattr__(self, "block_seconds", None)

    @property
    def most_bytes(self) -> float:
        """Memory a worker may have [bytes]; infinity where nobody knows what there is."""
        if self.memory_bytes is not None:
            return self.memory_bytes
        there = machine_bytes()
        return math.inf if there is None else MACHINE_SHARE * there
