"""Pace: when each message of a replay is due. No clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framefold.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a recording is played.

    Parameters
    ----------
    speed : float or None
        Times as fast as it was recorded, where the recording has times; None for as fast as the
        other side takes it.
    rate : float or None
        Messages a second instead.

    Raises
    ------
    ParameterError
        If both are given, or one is no pace.
    """

    speed: float | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.speed is not None and self.rate is not None:
            raise ParameterError("give either speed or rate")
        for name in ("speed", "rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ParameterError(f"{name}={value}: give a number above 0")

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever waited for."""
        return self.speed is None and self.rate is None

    def due(self, count: int, recorded: float | None) -> float:
        """When a message is due.

        Parameters
        ----------
        count : int
            How many messages went before it.
        recorded : float or None
            When it was recorded, since the first one [s]; None where nobody knows.

        Returns
        -------
        float
            Since the first one [s].
        """
        if self.rate is not None:
            return count / self.rate
        return 0.0 if self.speed is None or recorded is None else recorded / self.speed
