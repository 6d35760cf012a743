"""Blocks with holes become partitions without."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framefold.engine.cutting import UNSELECTED, cut, ranks


class TestCut:
    """A cut is an ascending contiguous run of selected positions."""

    def test_one_run_is_one_partition(self):
        (piece,) = cut(np.array([4, 5, 6]), None)

        assert piece.start == 4
        assert piece.rows.tolist() == [0, 1, 2]

    def test_a_hole_is_a_cut(self):
        pieces = cut(np.array([4, 5, 8, 9]), None)

        assert [(p.start, p.rows.tolist()) for p in pieces] == [(4, [0, 1]), (8, [2, 3])]

    def test_positions_next_to_each_other_in_the_roi_are_one_run(self):
        selection = np.array([True, False, False, True, True, False])
        (piece,) = cut(np.arange(6), ranks(selection))

        assert piece.start == 0
        assert piece.rows.tolist() == [0, 3, 4]

    def test_nothing_selected_is_nothing(self):
        assert cut(np.arange(3), ranks(np.zeros(3, bool))) == ()

    def test_holes_that_nobody_minds(self):
        selection = np.array([True, False, True, True, False, True, True, True])
        (piece,) = cut(np.array([0, 1, 2, 5, 7]), ranks(selection), at_holes=False)

        assert piece.start == 0
        assert piece.rows.tolist() == [0, 2, 3, 4]
        assert piece.numbers is not None
        assert piece.numbers.tolist() == [0, 1, 3, 5]

    def test_without_holes_numbers_are_not_told(self):
        (piece,) = cut(np.array([4, 5, 6]), None, at_holes=False)

        assert piece.numbers is None

    @given(st.data())
    def test_every_selected_row_comes_once_in_ascending_runs(self, data):
        size = data.draw(st.integers(1, 40))
        positions = np.array(sorted(data.draw(st.sets(st.integers(0, size - 1)))), dtype=np.int64)
        selection = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
        rank = ranks(selection)
        pieces = cut(positions, rank)

        rows = [row for piece in pieces for row in piece.rows.tolist()]
        assert rows == [i for i, p in enumerate(positions) if selection[p]]
        for piece in pieces:
            numbers = rank[positions[piece.rows]]
            assert UNSELECTED not in numbers
            assert numbers.tolist() == list(range(piece.start, piece.start + len(piece.rows)))
        for before, after in pairwise(pieces):
            assert after.start > before.start + len(before.rows)
