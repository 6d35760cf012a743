"""Counters: what the receiver counts, where everybody can look without asking it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from framefold.core.losses import Losses
from framefold.live.ring import COUNTERS_BYTES


class Count(IntEnum):
    """Place of each counter."""

    RECEIVED = 0
    DUPLICATE = 1
    NOWHERE = 2
    REFUSED = 3
    STALE = 4
    SERIES = 5
    MESSAGES = 8
    PAYLOAD_BYTES = 9
    CONNECTED = 10
    SLOTS = 11
    FREE_SLOTS = 12
    ACQUISITIONS = 13
    STALLS = 14


OF_AN_ACQUISITION = (Count.RECEIVED, Count.DUPLICATE, Count.NOWHERE, Count.REFUSED, Count.STALE)


def counters(memory: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The counters in front of a ring; written by: receiver.

    ``SERIES`` numbers the series that the counts before it belong to. It is written before
    those are set back, and lies behind them: a copy that has a series' number has its counts.
    """
    return memory[:COUNTERS_BYTES].view(np.int64)


def losses(counted: NDArray[np.int64]) -> Losses:
    """What was counted of the acquisition at hand."""
    return Losses(
        received=int(counted[Count.RECEIVED]),
        duplicate=int(counted[Count.DUPLICATE]),
        nowhere=int(counted[Count.NOWHERE]),
        refused=int(counted[Count.REFUSED] + counted[Count.STALE]),
    )
