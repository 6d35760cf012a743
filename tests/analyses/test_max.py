from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.max import MaxUDF
from framefold.errors import ParameterError
from udf.driver import Driver, run_udf

DTYPES = ["uint8", "uint16", "int16", "int64", "bool", "float32", "float64"]


class TestMaxUDF:
    """The largest values, over frames or over pixels."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize(("kind", "axes"), [("sig", (0, 1)), ("nav", (2, 3))])
    def test_equals_numpy(self, dtype: str, kind: str, axes: tuple[int, int]) -> None:
        data = scan(dtype)

        result = run_udf(data, MaxUDF(kind), cuts=[3])["intensity"]

        assert result.dtype == data.dtype
        assert np.array_equal(result.data, data.max(axis=axes))
        assert result.valid_mask.all()

    @pytest.mark.parametrize("dtype", ["int16", "float32"])
    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, dtype: str, way: tuple[list[int], int, list[int]]) -> None:
        data = scan(dtype)

        assert bits(data, MaxUDF, way) == bits(data, MaxUDF)

    def test_negative_values(self) -> None:
        data = -1 - np.abs(scan("float32"))

        assert np.array_equal(run_udf(data, MaxUDF())["intensity"].data, data.max(axis=(0, 1)))

    @pytest.mark.parametrize("kind", ["sig", "nav"])
    def test_nothing_yet(self, kind: str) -> None:
        driver = Driver(scan("int16"), MaxUDF(kind))

        result = driver.reduction.results(0)["intensity"]

        assert not result.valid_mask.any()
        assert not result.data.any()

    def test_positions_that_have_not_come_are_zero(self) -> None:
        data = scan("int16")
        driver = Driver(data, MaxUDF("nav"))
        driver.reduction.merge(driver.part(5, 9))

        result = driver.reduction.results(0)["intensity"]

        assert np.array_equal(result.raw_data[5:9], data.reshape(20, -1).max(axis=1)[5:9])
        assert not result.raw_data[:5].any()

    def test_refuses(self) -> None:
        with pytest.raises(ParameterError, match="did you mean 'sig'"):
            MaxUDF("sign")
        with pytest.raises(ParameterError, match="complex64"):
            Driver(scan("complex64"), MaxUDF())
