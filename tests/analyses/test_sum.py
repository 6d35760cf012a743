from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.sum import SumUDF
from framefold.errors import ParameterError
from udf.driver import Driver, run_udf

INTEGERS = ["uint8", "uint16", "uint32", "int8", "int16", "int32", "bool"]


class TestSumUDF:
    """The sum of all frames, exact for integers and rounded once."""

    @pytest.mark.parametrize("dtype", [*INTEGERS, "float32", "float64", "complex64", "int64"])
    def test_equals_numpy(self, dtype: str) -> None:
        data = scan(dtype)

        result = run_udf(data, SumUDF(), cuts=[3, 11])["intensity"]

        expected = data.sum(axis=(0, 1), dtype="c16" if dtype == "complex64" else "f8")
        assert result.dtype == np.result_type(dtype, np.float32)
        assert result.data.dtype == result.dtype
        np.testing.assert_allclose(result.data, expected.astype(result.dtype), rtol=1e-6)
        if dtype in INTEGERS:
            assert np.array_equal(result.data, expected.astype(result.dtype))

    @pytest.mark.parametrize("dtype", INTEGERS)
    @settings(max_examples=15, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, dtype: str, way: tuple[list[int], int, list[int]]) -> None:
        data = scan(dtype)

        assert bits(data, SumUDF, way) == bits(data, SumUDF)

    def test_counts_beyond_single_precision(self) -> None:
        data = np.full((1, 300, 1, 1), 65535, "u2")
        data[0, 0] = 2  # float32 would have lost it long before the end

        result = run_udf(data, SumUDF(dtype="float64"), cuts=[100])

        assert result["intensity"].data.tolist() == [[2 + 299 * 65535]]

    def test_roi(self) -> None:
        data = scan("uint16")
        selected = np.zeros((4, 5), bool)
        selected[1:3, ::2] = True

        result = run_udf(data, SumUDF(), selection=selected)["intensity"]

        assert np.array_equal(result.data, data[selected].sum(axis=0, dtype="f4"))

    def test_a_subclass_may_change_frames(self) -> None:
        class Halves(SumUDF):
            def process_tile(self, tile: np.ndarray) -> None:
                super().process_tile(tile * 0.5)

        data = scan("uint16")

        result = run_udf(data, Halves(), cuts=[7])["intensity"]

        np.testing.assert_allclose(result.data, data.sum(axis=(0, 1)) / 2, rtol=1e-6)

    def test_beside_another_dtype(self) -> None:
        data = scan("uint16")

        single, double = Driver(data, [SumUDF(), SumUDF(dtype="float64")]).run()

        assert single["intensity"].data.dtype == np.float64
        assert np.array_equal(single["intensity"].data, double["intensity"].data)

    @pytest.mark.parametrize("dtype", ["flaot32", "U3", object])
    def test_refuses_what_is_no_number(self, dtype: object) -> None:
        with pytest.raises(ParameterError, match="dtype="):
            SumUDF(dtype=dtype)
