from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.monitor import PartitionMonitorUDF, SignalMonitorUDF
from framefold.errors import ParameterError
from udf.driver import Driver


class TestSignalMonitorUDF:
    """The newest frame."""

    @settings(max_examples=15, deadline=None)
    @given(way=ways_to_cut(20))
    def test_is_the_last_of_the_scan(self, way: tuple[list[int], int, list[int]]) -> None:
        data = scan("uint16")

        assert bits(data, SignalMonitorUDF, way) == {"intensity": data[-1, -1].tobytes()}

    def test_is_the_furthest_on_so_far(self) -> None:
        data = scan("uint16")
        driver = Driver(data, SignalMonitorUDF())
        assert not driver.reduction.results(0)["intensity"].valid_mask.any()

        for start, stop in ((4, 9), (0, 4)):
            driver.reduction.merge(driver.part(start, stop))

            result = driver.reduction.results(0)["intensity"]
            assert np.array_equal(result.data, data[1, 3])
            assert result.valid_mask.all()

    def test_within_a_selection(self) -> None:
        data = scan("float32")
        roi = np.zeros((4, 5), bool)
        roi[0, 1] = roi[2, 4] = True

        result = Driver(data, SignalMonitorUDF(), selection=roi).run()[0]["intensity"]

        assert np.array_equal(result.data, data[2, 4])


class TestPartitionMonitorUDF:
    """The sum of the newest partition."""

    @pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "bool"])
    def test_is_the_last_partition(self, dtype: str) -> None:
        data = scan(dtype)

        result = Driver(data, PartitionMonitorUDF()).run([5, 13, 20], [2, 3, 0, 1])[0]["intensity"]

        expected = data.reshape(20, 9, 11)[13:].astype(np.float64).sum(axis=0)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.data, expected, rtol=1e-6)

    def test_nothing_yet(self) -> None:
        result = Driver(scan("uint8"), PartitionMonitorUDF("float64")).reduction.results(0)

        assert result["intensity"].dtype == np.float64
        assert not result["intensity"].valid_mask.any()

    def test_refuses(self) -> None:
        with pytest.raises(ParameterError, match="not numeric"):
            PartitionMonitorUDF("str")
