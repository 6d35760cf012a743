"""Refolding finds every frame again, wherever another scan has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.coverage import PositionState
from framefold.core.position_table import PositionTable
from framefold.core.refolding import Refolding
from framefold.core.scan import NOWHERE, Scan
from framefold.errors import ScanError

scans = st.builds(
    Scan,
    st.tuples(st.integers(1, 7), st.integers(1, 9)),
    st.integers(-12, 12),
    order=st.sampled_from(["raster", "snake"]),
    flyback=st.integers(0, 3),
    lead_in=st.integers(0, 4),
)


class TestRefolding:
    """Old and new positions are those of the same frames."""

    @given(scans, scans)
    def test_every_frame_that_has_a_place_in_both(self, old, new):
        move = Refolding.of(old, new)
        numbers = old.numbers(0, old.size)

        assert (new.positions_of(numbers[move.old]) == move.new).all()
        both = [n for n in numbers.tolist() if n != NOWHERE and new.position(n) != NOWHERE]
        assert len(move.old) == len(both)
        assert (np.diff(move.new) > 0).all()

    @given(scans, scans)
    def test_states_and_selection_move_along(self, old, new):
        move = Refolding.of(old, new)
        states = np.arange(old.size, dtype=np.uint8) % 5
        selected = np.arange(old.size) % 3 != 0
        selection = move.selection(selected)

        found = move.states(states, selection)
        assert selection is not None
        assert (found[~selection] == PositionState.UNSELECTED).all()
        kept = selected[move.old]
        assert (found[move.new[kept]] == states[move.old[kept]]).all()
        assert np.count_nonzero(selection) == np.count_nonzero(kept)
        assert (move.states(states, None)[np.setdiff1d(np.arange(new.size), move.new)]
                == PositionState.MISSING).all()  # fmt: skip

    def test_of_two_visits_the_first_counts(self):
        table = PositionTable.of(np.array([2, 0, 2, 1]), (3,))
        move = Refolding.of(Scan((4,)), Scan((3,), table=table))

        assert move.old.tolist() == [1, 3, 0]
        assert move.new.tolist() == [0, 1, 2]

    def test_what_is_left_out(self):
        move = Refolding.of(Scan((3, 4)), Scan((3, 3), flyback=1))
        here = np.ones(12, bool)

        assert not move.keeps(here)
        here[[3, 7, 11]] = False
        assert move.keeps(here)

    def test_sums_cannot_be_taken_apart(self):
        with pytest.raises(ScanError, match="summed"):
            Refolding.of(Scan((3,), frames_per_position=2, sums=True), Scan((6,)))
