from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.mask_container import MaskContainer
from framefold.analyses.mask_engine import ApplyMasksEngine
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.pick_shifted import PickShiftedUDF
from framefold.analyses.shifts import as_shifts, move_back
from framefold.errors import ParameterError, ShapeError
from framefold.udf import UDF
from udf.driver import Driver, run_udf

SHIFTS = np.random.default_rng(5).uniform(-12, 12, (4, 5, 2))
STACK = np.random.default_rng(6).integers(0, 9, (3, 9, 11))


def moved(frame: np.ndarray, dy: float, dx: float) -> np.ndarray:
    """What was at (y + dy, x + dx) at (y, x), pixel by pixel."""
    out = np.zeros_like(frame)
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            there = y + int(dy), x + int(dx)
            if 0 <= there[0] < frame.shape[0] and 0 <= there[1] < frame.shape[1]:
                out[y, x] = frame[there]
    return out


def all_moved(data: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    out = np.zeros_like(data)
    for position in np.ndindex(data.shape[:2]):
        out[position] = moved(data[position], *shifts[position])
    return out


class TestMoveBack:
    """Frames, or boxes of them, back to where they would be."""

    @settings(max_examples=40, deadline=None)
    @given(dy=st.floats(-20, 20), dx=st.floats(-20, 20))
    def test_equals_a_loop(self, dy: float, dx: float) -> None:
        frames = scan("uint8")[0]

        found = move_back(frames, (0, 0), (9, 11), (dy, dx))

        assert np.array_equal(found, [moved(frame, dy, dx) for frame in frames])

    @settings(max_examples=40, deadline=None)
    @given(
        row=st.integers(0, 9),
        column=st.integers(0, 11),
        dy=st.integers(-10, 10),
        dx=st.integers(-12, 12),
    )
    def test_boxes_add_up_to_the_frame(self, row: int, column: int, dy: int, dx: int) -> None:
        frames = scan("uint8")[0]
        whole = move_back(frames, (0, 0), (9, 11), (dy, dx))

        parts = [
            move_back(frames[:, y0:y1, x0:x1], (y0, x0), (9, 11), (dy, dx))
            for y0, y1 in ((0, row), (row, 9))
            for x0, x1 in ((0, column), (column, 11))
        ]

        assert np.array_equal(sum(parts), whole)

    @pytest.mark.parametrize("far", [1e300, -1e300, np.nan, np.inf])
    def test_absurd_shifts_leave_nothing(self, far: float) -> None:
        assert not move_back(np.ones((1, 3, 3)), (0, 0), (3, 3), (far, 0)).any()

    def test_needs_rows_and_columns(self) -> None:
        with pytest.raises(ShapeError, match="rows and columns"):
            move_back(np.zeros((1, 3)), (0,), (3,), (1, 1))


class TestAsShifts:
    """Shifts in every form, checked once."""

    @pytest.mark.parametrize("given_as", [(1, 2), [1, 2], np.array([1, 2]), (1.0, 2.0)])
    def test_constant(self, given_as: Any) -> None:
        assert as_shifts(given_as) == (1.0, 2.0)
        assert as_shifts(as_shifts(given_as)) == (1.0, 2.0)

    def test_for_each_position(self) -> None:
        found = as_shifts(SHIFTS.tolist())

        assert found.kind == "nav"
        assert np.array_equal(found.whole(), SHIFTS.reshape(20, 2))
        assert as_shifts(found) is found
        assert as_shifts(None) is None

    @pytest.mark.parametrize(
        ("given_as", "message"),
        [
            ("left", "must be numbers"),
            ((1, 2, 3), "two numbers"),
            (4, "two numbers"),
            ((1, float("inf")), "x of shifts"),
            (np.zeros((4, 5, 3)), "last axis"),
            (np.full((4, 5, 2), np.nan), "finite"),
            (UDF.aux_data(np.zeros((4, 5)), "nav"), "extra_shape"),
        ],
    )
    def test_refuses(self, given_as: Any, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            as_shifts(given_as)


class TestShiftedMasks:
    """Masks moved over the frame: positive is down and to the right."""

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "int64"])
    @pytest.mark.parametrize("use_sparse", [None, True, "sparse.pydata"])
    def test_for_each_position(self, dtype: str, use_sparse: Any) -> None:
        data = scan(dtype)
        udf = ApplyMasksUDF(lambda: STACK, shifts=SHIFTS, use_sparse=use_sparse)

        result = run_udf(data, udf, cuts=[3, 9])["intensity"]

        back = all_moved(data, SHIFTS).astype(np.float64)
        expected = np.einsum("abyx,myx->abm", back, STACK)
        np.testing.assert_allclose(result.data, expected, rtol=1e-6)

    def test_constant_moves_down_and_right(self) -> None:
        data = np.zeros((1, 1, 9, 11), np.uint8)
        data[0, 0, 5, 7] = 3
        mask = np.zeros((9, 11), bool)
        mask[3, 4] = True

        found = run_udf(data, ApplyMasksUDF([mask], shifts=(2, 3)))["intensity"]
        missed = run_udf(data, ApplyMasksUDF([mask], shifts=(-2, -3)))["intensity"]

        assert found.data.tolist() == [[[3]]]
        assert missed.data.tolist() == [[[0]]]

    def test_no_overlap_is_zero(self) -> None:
        result = run_udf(scan("uint8"), ApplyMasksUDF(STACK, shifts=(9, 0)))["intensity"]

        assert not result.data.any()

    def test_selected_positions_have_their_own_shifts(self) -> None:
        data = scan("uint16")
        roi = np.random.default_rng(1).random((4, 5)) < 0.5

        result = run_udf(data, ApplyMasksUDF(STACK, shifts=SHIFTS), cuts=[2], selection=roi)

        expected = np.einsum("abyx,myx->abm", all_moved(data, SHIFTS).astype(float), STACK)
        np.testing.assert_allclose(result["intensity"].raw_data, expected[roi], rtol=1e-6)

    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, way: tuple[list[int], int, list[int]]) -> None:
        data = scan("float32")

        def make() -> ApplyMasksUDF:
            return ApplyMasksUDF(STACK, shifts=SHIFTS)

        assert bits(data, make, way) == bits(data, make)

    def test_engine_for_udfs_of_ones_own(self) -> None:
        class Own(UDF):
            def get_result_buffers(self) -> dict[str, Any]:
                return {n: self.buffer("nav", (3,), np.float64) for n in ("still", "moved")}

            def get_task_data(self) -> dict[str, Any]:
                return {"engine": ApplyMasksEngine(MaskContainer(STACK), self.meta, use_torch=True)}

            def process_frame(self, frame: np.ndarray) -> None:
                engine = self.task_data.engine
                self.results.still[:] = engine.process_tile(frame[np.newaxis])[0]
                self.results.moved[:] = engine.process_frame_shifted(frame, (1, -2))

        data = scan("uint8")

        results = run_udf(data, Own())

        still = run_udf(data, ApplyMasksUDF(STACK))["intensity"]
        shifted = run_udf(data, ApplyMasksUDF(STACK, shifts=(1, -2)))["intensity"]
        assert np.array_equal(results["still"].data, still.data)
        assert np.array_equal(results["moved"].data, shifted.data)

    def test_too_few_shifts(self) -> None:
        with pytest.raises(ShapeError, match="19 entries"):
            Driver(scan("uint8"), ApplyMasksUDF(STACK, shifts=SHIFTS.reshape(20, 2)[1:]))


class TestPickShiftedUDF:
    """Frames with the descan error taken out."""

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "bool"])
    def test_for_each_position(self, dtype: str) -> None:
        data = scan(dtype)
        roi = np.random.default_rng(1).random((4, 5)) < 0.5

        result = run_udf(data, PickShiftedUDF(SHIFTS), cuts=[3], selection=roi)["intensity"]

        assert result.dtype == data.dtype
        assert np.array_equal(result.data, all_moved(data, SHIFTS)[roi])

    def test_constant(self) -> None:
        data = scan("uint8")

        result = run_udf(data, PickShiftedUDF((1, -2)))["intensity"]

        expected = all_moved(data, np.broadcast_to([1, -2], (4, 5, 2)))
        assert np.array_equal(result.data, expected.reshape(20, 9, 11))

    def test_refuses_none(self) -> None:
        with pytest.raises(ParameterError, match="'pick'"):
            PickShiftedUDF(None)
