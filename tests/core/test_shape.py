"""Shape and Slice."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.shape import Shape, Slice
from framefold.errors import SliceUsageError


class TestShape:
    """A tuple that knows which of its axes belong to the detector."""

    def test_parts(self) -> None:
        shape = Shape((3, 4, 5, 6), sig_dims=2)

        assert tuple(shape) == (3, 4, 5, 6)
        assert tuple(shape.nav) == (3, 4)
        assert tuple(shape.sig) == (5, 6)
        assert (shape.dims, shape.nav.dims, shape.sig.dims, len(shape)) == (4, 2, 2, 4)
        assert shape.size == 360
        assert shape.to_tuple() == (3, 4, 5, 6)

    @pytest.mark.parametrize("sig_dims", [0, 1, 2, 3])
    def test_any_rank(self, sig_dims: int) -> None:
        shape = Shape((2, 3, 4), sig_dims)

        assert tuple(shape.nav) + tuple(shape.sig) == (2, 3, 4)
        assert shape.sig.dims == sig_dims

    def test_flatten(self) -> None:
        shape = Shape((3, 4, 5, 6), sig_dims=2)

        assert tuple(shape.flatten_nav()) == (12, 5, 6)
        assert shape.flatten_nav().sig_dims == 2
        assert tuple(shape.flatten_sig()) == (3, 4, 30)
        assert shape.flatten_sig().sig_dims == 1

    def test_size_of_nothing_is_zero(self) -> None:
        assert Shape((5, 6), sig_dims=2).nav.size == 0
        assert Shape((5, 6), sig_dims=0).sig.size == 0

    def test_index(self) -> None:
        shape = Shape((3, 4, 5, 6), sig_dims=2)

        assert shape[1] == 4
        assert shape[1:3] == (4, 5)
        assert type(shape[1:3]) is tuple

    def test_entries_become_plain_integers(self) -> None:
        assert all(type(n) is int for n in Shape(np.array([3, 4]), sig_dims=1))

    def test_equality_needs_another_shape(self) -> None:
        assert Shape((3, 4), 1) == Shape((3, 4), 1)
        assert Shape((3, 4), 1) != Shape((3, 4), 2)
        with pytest.raises(NotImplementedError, match="tuple"):
            _ = Shape((3, 4), 1) == (3, 4)

    def test_hash_and_pickle(self) -> None:
        shape = Shape((3, 4, 5), 2)

        assert pickle.loads(pickle.dumps(shape)) == shape
        assert hash(shape) == hash(Shape((3, 4, 5), 2))

    def test_sums_with_tuples(self) -> None:
        shape, more = Shape((3, 4, 5), 2), (7,)

        assert tuple(shape + more) == (3, 4, 5, 7)
        assert tuple((shape + more).sig) == (4, 5, 7)
        assert tuple(more + shape) == (3, 7, 4, 5)
        assert tuple((more + shape).nav) == (3, 7)
        with pytest.raises(TypeError):
            _ = shape + 3


class TestSlice:
    """A box with an origin and a shape."""

    def test_get(self) -> None:
        box = Slice((1, 2, 3), Shape((2, 3, 4), 2))
        data = np.arange(5 * 8 * 9).reshape(5, 8, 9)

        assert box.get() == (slice(1, 3), slice(2, 5), slice(3, 7))
        assert np.array_equal(box.get(data), data[1:3, 2:5, 3:7])
        assert np.array_equal(box.get(data, sig_only=True), data[:, 2:5, 3:7])
        assert box.get(nav_only=True) == (slice(1, 3),)
        with pytest.raises(SliceUsageError, match="exclude"):
            box.get(sig_only=True, nav_only=True)

    def test_parts(self) -> None:
        box = Slice((1, 2, 3), Shape((2, 3, 4), 2))

        assert box.nav == Slice((1,), Shape((2,), 0))
        assert box.sig == Slice((2, 3), Shape((3, 4), 2))
        assert box.discard_nav() == Slice((0, 2, 3), Shape((0, 3, 4), 2))
        assert Slice.from_shape((2, 3), 1) == Slice((0, 0), Shape((2, 3), 1))

    def test_misuse(self) -> None:
        with pytest.raises(SliceUsageError, match=r"has 2 axes, shape .* has 3"):
            Slice((1, 2), Shape((1, 2, 3), 2))
        with pytest.raises(ValueError, match="different axes"):
            Slice((1, 2), Shape((1, 2), 1)).shift(Slice((1, 2), Shape((1, 2), 2)))

    def test_flatten_nav(self) -> None:
        box = Slice((2, 0, 0, 0), Shape((3, 10, 5, 6), 2))

        assert box.flatten_nav(Shape((8, 10, 5, 6), 2)) == Slice((20, 0, 0), Shape((30, 5, 6), 2))
        with pytest.raises(SliceUsageError, match="contiguous"):
            Slice((2, 0), Shape((3, 4), 0)).flatten_nav((8, 10))

    def test_flatten_nav_of_part_of_a_line(self) -> None:
        box = Slice((2, 3, 0), Shape((1, 4, 5), 1))

        assert box.flatten_nav((8, 10)) == Slice((23, 0), Shape((4, 5), 1))

    def test_intersection(self) -> None:
        a, b = Slice((0, 0), Shape((4, 4), 2)), Slice((2, 3), Shape((4, 4), 2))
        far = Slice((9, 9), Shape((1, 1), 2))

        assert a.intersection_with(b) == Slice((2, 3), Shape((2, 1), 2))
        assert not a.is_null()
        assert a.intersection_with(far).is_null()

    def test_shift(self) -> None:
        box = Slice((5, 6, 7), Shape((1, 2, 3), 2))

        assert box.shift(Slice((4, 6, 0), Shape((9, 9, 9), 2))).origin == (1, 0, 7)
        assert box.shift_by((-1, 2)).origin == (5, 5, 9)
        with pytest.raises(SliceUsageError):
            box.shift_by((1,))

    def test_clip(self) -> None:
        assert Slice((2,), Shape((9,), 1)).clip_to((5,)) == Slice((2,), Shape((3,), 1))

    @given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(1, 4), st.integers(1, 4))
    def test_subslices_tile_the_box(self, shape: tuple[int, int], a: int, b: int) -> None:
        counted = np.zeros((12, 12), dtype=int)
        box = Slice((1, 2), Shape(shape, 2))
        for cell in box.subslices((a, b)):
            counted[cell.get()] += 1

        expected = np.zeros((12, 12), dtype=int)
        expected[box.get()] = 1
        assert np.array_equal(counted, expected)

    def test_adjust_for_roi(self) -> None:
        roi = np.zeros((4, 5), dtype=bool)
        roi[1, 2] = roi[2, :] = True
        box = Slice((10, 0), Shape((4, 7), 1))

        assert box.adjust_for_roi(roi) == Slice((1, 0), Shape((4, 7), 1))
        assert box.adjust_for_roi(None) is box
        with pytest.raises(SliceUsageError, match="flatten_nav"):
            Slice((0, 0), Shape((1, 1), 0)).adjust_for_roi(roi)

    def test_hash_and_pickle(self) -> None:
        box = Slice((1, 2), Shape((3, 4), 1))

        assert pickle.loads(pickle.dumps(box)) == box
        assert len({box, Slice((1, 2), Shape((3, 4), 1))}) == 1
        assert box != "box"


class TestAsUsersKnowThem:
    """Boxes behave as code written for LiberTEM expects."""

    def test_signal_part_of_an_index(self):
        assert Slice((1, 2, 3), Shape((4, 5, 6), 2)).get(sig_only=True) == (
            slice(2, 7),
            slice(3, 9),
        )

    def test_a_plain_tuple_is_no_shape(self):
        with pytest.raises(SliceUsageError, match="is no Shape"):
            Slice((0, 0), (1, 1))

    def test_moved_along_all_axes(self):
        box = Slice((1, 2, 3), Shape((4, 5, 6), 2))

        assert box.shift_by((0, -3, 5)).origin == (1, -1, 8)
        assert box.shift_by((-3, 5)).origin == (1, -1, 8)
