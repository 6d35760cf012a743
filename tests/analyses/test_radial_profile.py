from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.radial_profile import RadialProfileUDF
from framefold.errors import ParameterError, ShapeError
from udf.driver import Driver, run_udf

DTYPES = ["uint8", "uint16", "uint32", "int16", "bool", "float32", "float64", "complex64"]


def distances(cy: float, cx: float) -> np.ndarray:
    y, x = np.ogrid[:9, :11]
    return np.hypot(y - cy, x - cx)


class TestRadialProfileUDF:
    """Sums and means in rings."""

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_rings_of_one_pixel(self, dtype: str) -> None:
        data = scan(dtype)

        results = run_udf(data, RadialProfileUDF(), cuts=[3])

        ring = np.floor(distances(4, 5)).astype(int)
        wide = data.astype(np.result_type(dtype, np.float64))
        sums = np.stack([wide[..., ring == k].sum(axis=-1) for k in range(7)], axis=-1)
        counts = np.bincount(ring.ravel())
        tolerance = 1e-6 if results["sum"].dtype.itemsize < 16 else 1e-12
        np.testing.assert_allclose(results["sum"].data, sums, rtol=tolerance, atol=tolerance)
        means = sums / counts
        np.testing.assert_allclose(results["mean"].data, means, rtol=tolerance, atol=tolerance)
        assert results["sum"].dtype == np.result_type(dtype, np.float32)
        assert results["pixels"].data.tolist() == counts.tolist()
        assert results["radius"].data.tolist() == list(range(7))
        assert results["mean"].valid_mask.all()

    @settings(max_examples=25, deadline=None)
    @given(
        cy=st.floats(-3, 12),
        cx=st.floats(-3, 12),
        n_bins=st.integers(1, 20),
        ro=st.none() | st.floats(0.1, 20),
    )
    def test_rings_of_any_width(self, cy: float, cx: float, n_bins: int, ro: float | None) -> None:
        data = scan("uint16")

        results = run_udf(data, RadialProfileUDF(cy, cx, n_bins, ro))

        r = np.sqrt((np.ogrid[:9, :1][0] - cy) ** 2 + (np.ogrid[:1, :11][1] - cx) ** 2)
        outer = r.max() if ro is None else ro
        inside = r <= outer
        assert results["pixels"].data.sum() == inside.sum()
        assert np.array_equal(
            results["sum"].data.sum(axis=-1, dtype=np.float64), data[..., inside].sum(axis=-1)
        )
        ring = np.searchsorted(results["radius"].data, r[inside], side="right")
        assert (
            np.bincount(ring, minlength=n_bins + 1)[1:].tolist() == results["pixels"].data.tolist()
        )
        empty = results["pixels"].data == 0
        assert np.isnan(results["mean"].data[..., empty]).all()
        assert not results["mean"].valid_mask[..., empty].any()

    @pytest.mark.parametrize("n_bins", range(1, 13))
    def test_a_pixel_on_a_border_belongs_to_the_outer_ring(self, n_bins: int) -> None:
        frame = np.ones((1, 1, 1, 13), np.uint8)

        results = run_udf(frame, RadialProfileUDF(0, 0, n_bins, 12.0))

        counts = [0] * n_bins
        for x in range(12):
            counts[x * n_bins // 12] += 1
        counts[-1] += 1  # the outermost border is inside
        assert results["pixels"].data.tolist() == counts

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "complex64"])
    @settings(max_examples=8, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(self, dtype: str, way: tuple[list[int], int, list[int]]) -> None:
        data = scan(dtype)

        def make() -> RadialProfileUDF:
            return RadialProfileUDF(n_bins=5)

        assert bits(data, make, way) == bits(data, make)

    def test_nothing_yet(self) -> None:
        results = Driver(scan("uint8"), RadialProfileUDF()).reduction.results(0)

        assert not results["mean"].valid_mask.any()

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"cy": "middle"}, "cy='middle' must be a number"),
            ({"cx": float("nan")}, "cx=nan"),
            ({"n_bins": 0}, "n_bins=0 must be a whole number, at least 1"),
            ({"n_bins": 2.5}, "n_bins=2.5"),
            ({"ro": 0}, "ro=0 must be positive"),
        ],
    )
    def test_refuses(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            RadialProfileUDF(**parameters)

    def test_needs_rows_and_columns(self) -> None:
        with pytest.raises(ShapeError, match="rows and columns"):
            Driver(np.zeros((3, 7), np.uint8), RadialProfileUDF(), sig_dims=1)
