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
    LOGGED_MESSAGES = 25
    LOGGED_BYTES = 26
    SETTLED = 27
    LOG_OFF = 28


OF_AN_ACQUISITION = tuple(count for count in Count if count < Count.SERIES)

OF_A_STREAM = (
    Count.MESSAGES,
    Count.PAYLOAD_BYTES,
    Count.ACQUISITIONS,
    Count.STALLS,
    Count.LOGGED_MESSAGES,
    Count.LOGGED_BYTES,
)
"""What is never set back."""

_EARLIER = slice(32, 32 + len(OF_AN_ACQUISITION))
_THIS = slice(0, len(OF_AN_ACQUISITION))
"""Places of the counts of an acquisition, and of the sums of each of them over earlier ones."""


def counters(memory: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The counters in front of a ring; written by: receiver, but for ``KEPT`` and ``LOG_OFF``.

    ``KEPT`` is how many slots stay away though nobody works on them; the main process tells.
    ``LOG_OFF`` is no count: 1 if the messages of the next series are not to be logged. It stands
    here so that a receiver finds it as it is in the moment in which it sees a header.

    ``SERIES`` numbers the series that the counts before it belong to. It is written before
    those are set back, and lies behind them: a copy that has a series' number has its counts.
    ``SETTLED`` follows it as soon as the sums over earlier series have what was set back.
    """
    return memory[:COUNTERS_BYTES].view(np.int64)


def begin_series(counts: NDArray[np.int64]) -> None:
    """A series begins: what was counted of the last one goes to the sums; called by: receiver."""
    counts[Count.SERIES] += 1
    counts[_EARLIER] += counts[_THIS]
    counts[_THIS] = 0
    counts[Count.SETTLED] = counts[Count.SERIES]


def losses(counted: NDArray[np.int64]) -> Losses:
    """What was counted of the acquisition at hand."""
    return _losses(counted[_THIS])


def total_losses(counts: NDArray[np.int64]) -> Losses | None:
    """What was counted of all series.

    Returns
    -------
    Losses or None
        None for the moment in which a series begins: half of it would be counted twice.
    """
    settled = int(counts[Count.SETTLED])  # before anything else, and the other one after it
    found = counts[_EARLIER] + counts[_THIS]
    return _losses(found) if int(counts[Count.SERIES]) == settled else None


def carry_over(lost: NDArray[np.int64], total: Losses, counts: NDArray[np.int64]) -> None:
    """Have counters that nobody writes yet go on where others ended.

    Parameters
    ----------
    lost : ndarray of int64
        Counters of a receiver that died.
    total : Losses
        What it had counted of all series.
    counts : ndarray of int64
        Counters of the next one.
    """
    places = list(OF_A_STREAM)
    counts[places] = lost[places]
    counts[_EARLIER] = [getattr(total, count.name.lower()) for count in OF_AN_ACQUISITION]


def _losses(counted: NDArray[np.int64]) -> Losses:
    """Counts in the order of `OF_AN_ACQUISITION` by their names."""
    return Losses(
        **{count.name.lower(): int(counted[count]) for count in OF_AN_ACQUISITION},
    )
