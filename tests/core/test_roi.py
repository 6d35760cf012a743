"""Selections in all forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.roi import selection
from framefold.errors import ParameterError, ShapeError

NAV = (4, 5)


def flat(*positions: tuple[int, int], wanted: bool = True) -> np.ndarray:
    mask = np.full(NAV, not wanted)
    for position in positions:
        mask[position] = wanted
    return mask.reshape(-1)


class TestArrays:
    """Arrays select element by element."""

    def test_everything(self) -> None:
        assert selection(None, NAV) is None

    @pytest.mark.parametrize("shape", [(4, 5), (20,), (5, 4), (1, 20)])
    def test_any_shape_with_as_many_elements(self, shape: tuple[int, ...]) -> None:
        mask = np.arange(20).reshape(shape) % 3 == 0

        assert np.array_equal(selection(mask, NAV), mask.reshape(-1))

    def test_the_result_is_a_read_only_copy(self) -> None:
        mask = np.ones(NAV, dtype=bool)
        selected = selection(mask, NAV)
        mask[:] = False

        assert selected is not None
        assert selected.all()
        assert not selected.flags.writeable

    def test_wrong_number_of_elements(self) -> None:
        with pytest.raises(ShapeError, match=r"incompatible shapes.*\(4, 6\).*\(4, 5\)"):
            selection(np.ones((4, 6), dtype=bool), NAV)

    @pytest.mark.parametrize("dtype", [int, float, np.uint8])
    def test_other_types_are_cast_with_a_warning(self, dtype: type) -> None:
        mask = np.eye(4, 5, dtype=dtype)
        with pytest.warns(UserWarning, match=r"ROI dtype is .*, expected bool\."):
            selected = selection(mask, NAV)

        assert np.array_equal(selected, mask.astype(bool).reshape(-1))

    def test_nested_lists_of_bool(self) -> None:
        mask = (np.arange(20).reshape(NAV) % 3 == 0).tolist()

        assert np.array_equal(selection(mask, NAV), np.arange(20) % 3 == 0)

    def test_scipy_sparse(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        mask = np.arange(20).reshape(NAV) % 3 == 0

        for kind in (sparse.coo_matrix, sparse.csr_array, sparse.csc_matrix):
            assert np.array_equal(selection(kind(mask), NAV), mask.reshape(-1))

    def test_whatever_can_become_dense(self) -> None:
        class Sparse:
            def todense(self) -> np.ndarray:
                return flat((1, 1)).reshape(NAV)

        assert np.array_equal(selection(Sparse(), NAV), flat((1, 1)))


class TestCoordinates:
    """Coordinates select single positions."""

    @pytest.mark.parametrize(
        ("roi", "positions"),
        [
            ((1, 2), [(1, 2)]),
            ([1, 2], [(1, 2)]),
            ((np.int64(1), np.int8(2)), [(1, 2)]),
            ((-1, -2), [(3, 3)]),
            ([(0, 0), (1, 1)], [(0, 0), (1, 1)]),
            ([[0, 0], [1, -1]], [(0, 0), (1, 4)]),
            (((0, 0), (1, 1), (2, 2)), [(0, 0), (1, 1), (2, 2)]),
            ([((0, 1), True), ((2, 3), True)], [(0, 1), (2, 3)]),
            ([((0, 1), np.True_)], [(0, 1)]),
            ([], []),
            ((), []),
        ],
    )
    def test_listed_positions(self, roi: Any, positions: list[tuple[int, int]]) -> None:
        assert np.array_equal(selection(roi, NAV), flat(*positions))

    def test_all_but_the_listed(self) -> None:
        roi = [((0, 1), False), ((-1, -1), False)]

        assert np.array_equal(selection(roi, NAV), flat((0, 1), (3, 4), wanted=False))

    def test_scans_of_one_axis(self) -> None:
        assert np.flatnonzero(selection((3,), (5,))).tolist() == [3]
        assert np.flatnonzero(selection([1, -1], (5,))).tolist() == [1, 4]
        assert np.flatnonzero(selection([(3, True), ((4,), True)], (5,))).tolist() == [3, 4]

    @pytest.mark.parametrize(
        ("roi", "message"),
        [
            ([((0, 1), True), ((2, 3), False)], "more than one truth value"),
            ([((0, 1), True), (2, 3)], "with each position"),
            ((4, 0), "outside"),
            ((0, -6), "outside"),
            ((1, 2, 3), "2 integers"),
            ([(1, 2, 3)], "2 integers"),
            ((1.5, 2), "2 integers"),
            ((3,), "2 integers"),
            ("everything", "no selection"),
            (3, "no selection"),
        ],
    )
    def test_what_does_not_exist(self, roi: Any, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            selection(roi, NAV)

    @given(st.lists(st.tuples(st.integers(-4, 3), st.integers(-5, 4)), max_size=6))
    def test_as_numpy_indexing(self, positions: list[tuple[int, int]]) -> None:
        assert np.array_equal(selection(positions, NAV), flat(*positions))
