"""Results lie in shared memory and come out as they went in."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from framefold.engine.arena import INLINE_BYTES, SMALLEST, Arena, Placed, unpacked
from framefold.processes.segment import Attached

LARGE = INLINE_BYTES + 8


def through(arena: Arena, array: np.ndarray, attached: Attached) -> np.ndarray:
    """The array as the main process sees it."""
    return unpacked(pickle.loads(pickle.dumps(arena.packed(array))), attached)


@pytest.fixture
def attached():
    made = Attached()
    yield made
    made.close()


class TestArena:
    """An arena holds the results of one block at a time."""

    def test_small_arrays_travel_as_they_are(self):
        array = Arena().zeros((3,), np.int32)

        assert Arena().packed(array) is array

    def test_large_arrays_are_placed_where_they_were_made(self, attached):
        arena = Arena()
        array = arena.zeros((LARGE,), np.uint8)
        array[:] = 7
        seen = through(arena, array, attached)

        assert (seen == 7).all()
        array[0] = 8
        assert seen[0] == 8

    def test_what_is_seen_cannot_be_written(self, attached):
        arena = Arena()
        seen = through(arena, arena.zeros((LARGE,), np.uint8), attached)

        with pytest.raises(ValueError, match="read-only"):
            seen[0] = 1

    def test_an_array_that_was_made_elsewhere_is_copied_in(self, attached):
        arena = Arena()
        strange = np.arange(4 * LARGE, dtype=np.float64).reshape(4, -1).T[::3, ::-1]

        sent = arena.packed(strange)
        assert isinstance(sent, Placed)
        assert (unpacked(sent, attached) == strange).all()

    def test_objects_travel_as_they_are(self):
        array = np.empty(LARGE, dtype=object)

        assert Arena().zeros((LARGE,), object).dtype == object
        assert Arena().packed(array) is array

    @pytest.mark.parametrize("dtype", ["S40", "U40", "M8[s]", "?", "c16", [("a", "f8", 700)]])
    def test_zeros_are_zero_also_in_memory_used_before(self, dtype):
        arena = Arena()
        arena.zeros((SMALLEST // 2,), np.uint8)[:] = 0xFF
        arena.reset()
        array = arena.zeros((200,), dtype)

        assert array.tobytes() == np.zeros(200, dtype).tobytes()

    @pytest.mark.parametrize("shape", [(), (0,), (0, 5), (3, 0, 2)])
    def test_arrays_without_or_with_a_single_value(self, shape, attached):
        arena = Arena()
        array = arena.zeros(shape, np.float32)

        seen = through(arena, array, attached)
        assert seen.shape == shape
        assert seen.dtype == np.float32

    def test_a_single_large_value(self, attached):
        arena = Arena()
        array = arena.zeros((), [("image", "f8", (100, 100))])

        assert through(arena, array, attached)["image"].sum() == 0

    def test_an_array_twice_lies_at_one_place(self):
        arena = Arena()
        array = arena.zeros((LARGE,), np.uint8)

        assert arena.packed(array) == arena.packed(array)

    def test_it_grows_and_keeps_what_it_has(self, attached):
        arena = Arena()
        made = [arena.zeros((SMALLEST,), np.uint8) for _ in range(8)]
        for n, array in enumerate(made):
            array[:] = n

        for n, array in enumerate(made):
            assert (through(arena, array, attached) == n).all()

    def test_it_uses_its_memory_again(self):
        arena = Arena()
        first = arena.packed(arena.zeros((LARGE,), np.uint8))
        for _ in range(100):
            arena.reset()
            again = arena.packed(arena.zeros((LARGE,), np.uint8))

        assert again == first

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            arrays(
                st.sampled_from([np.uint8, np.int32, np.float64, np.complex128]),
                array_shapes(min_dims=0, max_dims=3, max_side=40),
                fill=st.just(1),
            ),
            max_size=6,
        )
    )
    def test_any_arrays_come_out_as_they_went_in(self, given_arrays):
        arena, attached = Arena(), Attached()
        sent = [arena.packed(array) for array in given_arrays]

        for array, one in zip(given_arrays, sent, strict=True):
            seen = unpacked(one, attached)
            assert (seen.shape, seen.dtype) == (array.shape, array.dtype)
            assert seen.tobytes() == array.tobytes()  # bytes: a nan is not equal to itself
