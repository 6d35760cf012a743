"""Counters: sums over series never go back, whoever looks, and whenever."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.core.losses import Losses
from framefold.live.counters import (
    OF_AN_ACQUISITION,
    Count,
    begin_series,
    carry_over,
    counters,
    losses,
    total_losses,
)
from framefold.live.ring import COUNTERS_BYTES


@pytest.fixture
def counts():
    return counters(np.zeros(COUNTERS_BYTES, np.uint8))


class TestSums:
    """A series begins anew; the sums have what was counted before."""

    def test_over_series(self, counts):
        for received in (5, 7):
            begin_series(counts)
            counts[Count.RECEIVED] += received
            counts[Count.STALE] += 1

        assert losses(counts) == Losses(received=7, stale=1)
        assert total_losses(counts) == Losses(received=12, stale=2)

    def test_every_moment_of_a_beginning(self, counts):
        """Somebody looks after each write: he sees the sums of before, of after, or nothing."""
        begin_series(counts)
        counts[Count.RECEIVED] = 5
        seen = []

        class Watched:
            """Counters that are looked at each time something was written."""

            def __getitem__(self, place):
                return counts[place]

            def __setitem__(self, place, value):
                counts[place] = value
                seen.append(total_losses(counts))

        begin_series(Watched())

        assert len(seen) >= 4
        assert set(seen[:-1]) == {None}
        assert seen[-1] == Losses(received=5)

    def test_another_receiver_goes_on(self, counts):
        begin_series(counts)
        counts[Count.RECEIVED], counts[Count.MESSAGES], counts[Count.SLOTS] = 5, 9, 3
        another = counters(np.zeros(COUNTERS_BYTES, np.uint8))
        carry_over(counts, Losses(received=5), another)
        begin_series(another)
        another[Count.RECEIVED] += 1

        assert total_losses(another) == Losses(received=6)
        assert (another[Count.MESSAGES], another[Count.SLOTS]) == (9, 0)

    def test_all_counts_have_their_place(self):
        assert [int(count) for count in OF_AN_ACQUISITION] == list(range(8))
        assert max(Count) < 32
