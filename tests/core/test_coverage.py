"""Every position has a state, and the counts are those of the states."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.coverage import Coverage, PositionState

MARKS = [
    PositionState.MERGED,
    PositionState.CORRUPT,
    PositionState.SET_ASIDE,
]


def at(*positions: int) -> np.ndarray:
    return np.array(positions, dtype=np.int64)


class TestCoverage:
    """Coverage counts each position once."""

    def test_nothing_is_known_at_first(self):
        coverage = Coverage(4)

        assert coverage.states().tolist() == [PositionState.AWAITED] * 4
        assert (coverage.merged, coverage.wanted, coverage.fraction) == (0, 4, 0.0)

    def test_what_is_awaited_at_the_end_is_missing(self):
        coverage = Coverage(4)
        coverage.mark(at(0, 2), PositionState.MERGED)
        coverage.mark(at(1), PositionState.CORRUPT)

        assert coverage.close() == 1
        assert coverage.close() == 1
        assert coverage.states()[3] == PositionState.MISSING

    def test_unselected_stays_unselected(self):
        coverage = Coverage(4, np.array([True, False, True, False]))
        coverage.mark(at(0, 1, 2, 3), PositionState.MERGED)

        assert coverage.states()[1] == PositionState.UNSELECTED
        assert (coverage.merged, coverage.wanted, coverage.fraction) == (2, 2, 1.0)

    def test_nothing_selected_is_all_there(self):
        assert Coverage(3, np.zeros(3, dtype=bool)).fraction == 1.0

    def test_states_are_a_copy(self):
        coverage = Coverage(2)
        before = coverage.states()
        coverage.mark(at(0), PositionState.MERGED)

        assert before[0] == PositionState.AWAITED
        assert not before.flags.writeable

    @given(
        st.lists(st.booleans(), min_size=12, max_size=12),
        st.lists(st.tuples(st.sets(st.integers(0, 11)), st.sampled_from(MARKS)), max_size=12),
    )
    def test_merged_is_what_the_states_say(self, selected, marks):
        coverage = Coverage(12, np.array(selected))
        for positions, state in marks:
            coverage.mark(at(*sorted(positions)), state)

        merged = np.count_nonzero(coverage.states() == PositionState.MERGED)
        assert coverage.merged == merged
        assert coverage.wanted == sum(selected)
