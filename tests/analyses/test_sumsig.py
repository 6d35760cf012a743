from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.sumsig import SumSigUDF, run_sumsig
from udf.driver import run_udf

DTYPES = ["uint8", "uint16", "uint32", "int16", "int32", "bool", "float32", "float64", "complex64"]


class TestSumSigUDF:
    """The sum of each frame, from that frame alone."""

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_equals_numpy(self, dtype: str) -> None:
        data = scan(dtype)

        result = run_udf(data, SumSigUDF(), cuts=[3, 11])["intensity"]

        expected = data.sum(axis=(2, 3), dtype="c16" if dtype == "complex64" else "f8")
        assert result.dtype == np.result_type(dtype, np.float32)
        np.testing.assert_allclose(result.data, expected, rtol=1e-6)
        if data.dtype.kind in "uib":
            assert np.array_equal(result.data, expected.astype(result.dtype))

    @pytest.mark.parametrize("dtype", DTYPES)
    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, dtype: str, way: tuple[list[int], int, list[int]]) -> None:
        data = scan(dtype)

        assert bits(data, SumSigUDF, way) == bits(data, SumSigUDF)

    def test_run(self) -> None:
        class Context:
            def run_udf(self, *, dataset: np.ndarray, udf: SumSigUDF) -> object:
                return run_udf(dataset, udf)

        assert set(run_sumsig(Context(), scan("uint8"))) == {"intensity"}
