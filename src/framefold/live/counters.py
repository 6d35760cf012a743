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
    CORRUPT = 2
    LATE = 3
    FLYBACK = 4
    SURPLUS = 5
    DROPPED = 6
    STALE = 7
    SERIES = 8
    MESSAGES = 16
    PAYLOAD_BYTES = 17
    CONNECTED = 18
    SLOTS = 19
    FREE_SLOTS = 20
    ACQUISITIONS = 21
    STALLS = 22
    KEPT = 24


OF_AN_ACQUISITION = tuple(count for count in Count if count < Count.SERIES)


def counters(memory: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The counters in front of a ring; written by: receiver, but for ``KEPT``.

    ``KEPT`` is how many slots stay away though nobody works on them; the main process tells.

    ``SERIES`` numbers the series that the counts before it belong to. It is written before
    those are set back, and lies behind them: a copy that has a series' number has its counts.
    """
    return memory[:COUNTERS_BYTES].view(np.int64)


def losses(counted: NDArray[np.int64]) -> Losses:
    """What was counted of the acquisition at hand."""
    return Losses(
        received=int(counted[Count.RECEIVED]),
        duplicate=int(counted[Count.DUPLICATE]),
        corrupt=int(counted[Count.CORRUPT]),
        late=int(counted[Count.LATE]),
        flyback=int(counted[Count.FLYBACK]),
        surplus=int(counted[Count.SURPLUS]),
        dropped=int(counted[Count.DROPPED]),
        stale=int(counted[Count.STALE]),
    )
