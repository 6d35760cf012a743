from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.pick import PickUDF
from framefold.analyses.sumsig import SumSigUDF
from udf.driver import Driver, run_udf


class TestPickUDF:
    """The selected frames, bit for bit."""

    @pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "complex64", "bool"])
    def test_all_frames(self, dtype: str) -> None:
        data = scan(dtype)

        result = run_udf(data, PickUDF(), cuts=[3, 11])["intensity"]

        assert result.data.dtype == data.dtype
        assert np.array_equal(result.data, data.reshape(20, 9, 11))

    def test_roi(self) -> None:
        data = scan("uint16")
        selected = np.zeros((4, 5), bool)
        selected[2, 1] = selected[0, 4] = True

        result = run_udf(data, PickUDF(), selection=selected)["intensity"]

        assert np.array_equal(result.data, data[selected])

    def test_empty_roi(self) -> None:
        result = Driver(scan("uint16"), PickUDF(), selection=np.zeros((4, 5), bool))

        assert result.reduction.results(0)["intensity"].data.shape == (0, 9, 11)

    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, way: tuple[list[int], int, list[int]]) -> None:
        data = scan("uint16")

        assert bits(data, PickUDF, way) == bits(data, PickUDF)

    def test_beside_a_udf_that_wants_floats(self) -> None:
        data = scan("uint16")

        picked, _ = Driver(data, [PickUDF(), SumSigUDF()]).run()

        assert picked["intensity"].data.dtype == np.float32
        assert np.array_equal(picked["intensity"].data, data.reshape(20, 9, 11))

    def test_warns_of_large_results(self, caplog: pytest.LogCaptureFixture) -> None:
        data = np.broadcast_to(np.zeros(1, "f8"), (1000, 200, 200))
        udf = PickUDF()
        caplog.set_level(logging.WARNING, "framefold.analyses.pick")
        udf_meta = Driver(data[:1], udf).reduction._meta
        udf.set_meta(udf_meta)

        udf.preprocess()
        assert not caplog.records

        object.__setattr__(udf, "_selected", lambda: 1000)
        udf.preprocess()

        assert "pass a roi" in caplog.text
