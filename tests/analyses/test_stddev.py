from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.stddev import (
    StdDevUDF,
    consolidate_result,
    merge,
    process_tile,
    run_stddev,
)
from framefold.errors import ParameterError
from udf.driver import Driver, run_udf

DTYPES = [
    "uint8",
    "uint16",
    "int16",
    "bool",
    "uint32",
    "int32",
    "int64",
    "float32",
    "float64",
    "complex64",
]
EXACT = ["uint8", "uint16", "int16", "bool", "uint32", "int32"]


class TestStdDevUDF:
    """Variance over frames, population style, and all that goes with it."""

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_equals_numpy(self, dtype: str) -> None:
        data = scan(dtype)

        results = run_udf(data, StdDevUDF(), cuts=[3, 11])

        wide = data.reshape(20, 9, 11).astype(np.result_type(dtype, np.float64))
        expected = {
            "sum": wide.sum(axis=0),
            "mean": wide.mean(axis=0),
            "var": wide.var(axis=0),
            "std": wide.std(axis=0),
            "varsum": wide.var(axis=0) * 20,
        }
        for name, values in expected.items():
            np.testing.assert_allclose(results[name].data, values, rtol=1e-12, err_msg=name)
            assert results[name].valid_mask.all()
        assert results["num_frames"].data.tolist() == [20]
        assert results["var"].dtype == np.float64
        assert results["sum"].dtype == np.result_type(dtype, np.float64)

    @pytest.mark.parametrize("dtype", EXACT)
    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace_in_integers(
        self, dtype: str, way: tuple[list[int], int, list[int]]
    ) -> None:
        data = scan(dtype)

        assert bits(data, StdDevUDF, way) == bits(data, StdDevUDF)

    @pytest.mark.parametrize("dtype", ["float32", "complex64", "int64"])
    @settings(max_examples=10, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_change_only_the_last_bits_of_others(
        self, dtype: str, way: tuple[list[int], int, list[int]]
    ) -> None:
        data = scan(dtype)
        cuts, _, order = way

        found = Driver(data, StdDevUDF()).run(cuts, order)[0]

        wide = data.reshape(20, 9, 11).astype(np.result_type(dtype, np.float64))
        np.testing.assert_allclose(found["std"].data, wide.std(axis=0), rtol=1e-12)

    def test_stays_accurate_far_from_zero(self) -> None:
        data = scan("float64") * 1e-3 + 1e6

        results = run_udf(data, StdDevUDF(), cuts=range(1, 20))

        expected = (data - 1e6).reshape(20, 9, 11).var(axis=0)
        np.testing.assert_allclose(results["var"].data, expected, rtol=1e-6)

    def test_dtype_of_results(self) -> None:
        results = run_udf(scan("uint16"), StdDevUDF(dtype="float32"))

        assert {results[n].dtype for n in ("var", "std", "varsum", "sum", "mean")} == {
            np.dtype(np.float32)
        }

    def test_nothing_yet(self) -> None:
        driver = Driver(scan("uint16"), StdDevUDF())

        results = driver.reduction.results(0)

        assert np.isnan(results["var"].data).all()
        assert not results["mean"].valid_mask.any()
        assert results["num_frames"].data.tolist() == [0]

    @pytest.mark.parametrize("dtype", ["uint16", "float32"])
    def test_partitions_without_frames(self, dtype: str) -> None:
        data = scan(dtype)

        results = run_udf(data, StdDevUDF(), cuts=[0, 0, 7, 7, 20])

        wide = data.reshape(20, 9, 11).astype(np.float64)
        np.testing.assert_allclose(results["var"].data, wide.var(axis=0), rtol=1e-12)

    def test_only_what_is_selected(self) -> None:
        data = scan("uint8")
        roi = np.zeros((4, 5), bool)
        roi[1, 2] = roi[3, 3] = True

        results = run_udf(data, StdDevUDF(), selection=roi)

        assert np.array_equal(results["std"].data, data[roi].astype(float).std(axis=0))

    def test_a_subclass_may_change_frames(self) -> None:
        class OfRoots(StdDevUDF):
            def process_tile(self, tile: np.ndarray) -> None:
                super().process_tile(np.sqrt(tile))

        data = scan("uint16")

        results = run_udf(data, OfRoots(), cuts=[5])

        expected = np.sqrt(data.reshape(20, 9, 11).astype(np.float32)).astype(float).std(axis=0)
        np.testing.assert_allclose(results["std"].data, expected, rtol=1e-9)

    @pytest.mark.parametrize("dtype", ["int32", "complex64", "text"])
    def test_refuses(self, dtype: str) -> None:
        with pytest.raises(ParameterError, match="say 'float32' or 'float64'"):
            StdDevUDF(dtype=dtype)


class TestFunctions:
    """The pieces that code beside UDFs uses."""

    def test_tiles_one_after_another(self) -> None:
        frames = np.random.default_rng(0).random((9, 4, 5)).astype(np.float32)
        total, varsum = np.zeros((4, 5)), np.zeros((4, 5))

        n = 0
        for first, last in ((0, 2), (2, 2), (2, 7), (7, 9)):
            n = process_tile(frames[first:last], n, total, varsum)

        assert n == 9
        np.testing.assert_allclose(total, frames.astype(float).sum(axis=0), rtol=1e-12)
        np.testing.assert_allclose(varsum, frames.astype(float).var(axis=0) * 9, rtol=1e-9)

    def test_merge_in_place(self) -> None:
        a, b = np.arange(5.0), np.array([2.0, 7, 4])
        total, varsum = np.array([a.sum()]), np.array([a.var() * 5])

        n = merge(5, total, varsum, 3, [b.sum()], [b.var() * 3], [b.mean()])

        both = np.concatenate([a, b])
        assert n == 8
        assert total[0] == both.sum()
        assert varsum[0] == pytest.approx(both.var() * 8)

    def test_run_and_consolidate(self) -> None:
        data = scan("uint8")

        class Context:
            def run_udf(self, *, dataset: np.ndarray, udf: StdDevUDF, **options: object) -> object:
                return run_udf(dataset, udf)

        results = run_stddev(Context(), data)

        assert results["num_frames"] == 20
        assert type(results["var"]) is np.ndarray
        assert set(consolidate_result(results | {"num_frames": [3]})) == set(results)
