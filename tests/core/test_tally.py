"""Times are added up by owner and by what they were spent on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framefold.core.tally import SHARED, Spent, Tally

TIMES = st.lists(
    st.tuples(st.integers(-1, 3), st.sampled_from(["process", "merge"]), st.integers(0, 10**12))
)


class TestTally:
    """A tally counts, sums and keeps the longest."""

    def test_counts_sums_and_keeps_the_longest(self):
        tally = Tally()
        for ns in (3, 9, 4):
            tally.add(0, "process", ns)
        tally.add(SHARED, "idle", 1)

        assert dict(tally) == {(0, "process"): Spent(3, 16, 9), (SHARED, "idle"): Spent(1, 1, 1)}

    def test_starts_over_when_taken(self):
        tally = Tally()
        tally.add(0, "process", 5)
        tally.taken()

        assert not dict(tally)

    @given(TIMES, TIMES)
    def test_tallies_of_two_workers_make_one(self, here, there):
        together, first, second = Tally(), Tally(), Tally()
        for times, part in ((here, first), (there, second)):
            for time in times:
                together.add(*time)
                part.add(*time)
        first.include(second.taken())

        assert dict(first) == dict(together)
