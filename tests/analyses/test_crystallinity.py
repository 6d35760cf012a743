from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.analyses.crystallinity import CrystallinityUDF, run_analysis_crystall
from framefold.errors import ParameterError, ShapeError
from udf.driver import Driver, run_udf


def waves(periods_y: float, periods_x: float, shape: tuple[int, int] = (16, 20)) -> np.ndarray:
    y, x = np.indices(shape)
    return np.cos(2 * np.pi * (periods_y * y / shape[0] + periods_x * x / shape[1]))


class TestCrystallinityUDF:
    """Fourier magnitudes within a ring of frequencies."""

    @pytest.mark.parametrize("shape", [(16, 20), (15, 21)])
    def test_sees_waves_in_the_ring(self, shape: tuple[int, int]) -> None:
        frames = [waves(3, 0, shape), waves(0, 5, shape), waves(2, 2, shape), waves(6, 0, shape)]
        data = np.stack(frames)[np.newaxis]

        found = run_udf(data, CrystallinityUDF(2.9, 5))["intensity"]

        half = shape[0] * shape[1] / 2  # a cosine's component
        # along y both of a pair lie in the half spectrum; 2.83 and 6 periods are not in the ring
        np.testing.assert_allclose(found.data[0], [2 * half, half, 0, 0], rtol=1e-6, atol=1e-3)

    def test_borders_of_the_ring(self) -> None:
        data = np.stack([waves(0, 3), waves(0, 5)])[np.newaxis]

        found = run_udf(data, CrystallinityUDF(3, 5))["intensity"].data[0]

        assert found[0] < 1e-3
        assert found[1] > 100

    @pytest.mark.parametrize("size", range(9, 60))
    def test_the_border_is_exact_for_any_size(self, size: int) -> None:
        frame = np.zeros((1, 1, size, size))
        frame[..., 0, 0] = 1  # has every component once

        found = run_udf(frame, CrystallinityUDF(3, 4))["intensity"].data

        half = range(size // 2 + 1)
        rows = range(-(size // 2), (size + 1) // 2)
        assert found[0, 0] == pytest.approx(
            sum(9 < y * y + x * x <= 16 for y in rows for x in half)
        )

    def test_a_disk_may_be_left_out(self) -> None:
        rng = np.random.default_rng(0)
        data = rng.integers(0, 50, (2, 3, 16, 20)).astype(np.uint16)

        found = run_udf(data, CrystallinityUDF(1, 4, (8, 9), 3.0), cuts=[1])["intensity"]

        y, x = np.ogrid[:16, :20]
        seen = data * ((y - 8) ** 2 + (x - 9) ** 2 > 9)
        spectrum = np.abs(np.fft.rfft2(seen))
        ky = np.fft.fftfreq(16, 1 / 16)[:, np.newaxis]
        squared = ky**2 + np.arange(11) ** 2
        ring = (squared > 1) & (squared <= 16)
        np.testing.assert_allclose(found.data, spectrum[..., ring].sum(axis=-1), rtol=1e-6)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"rad_in": 4, "rad_out": 3}, "rad_in=4 must be smaller"),
            ({"rad_in": 1, "rad_out": 3, "real_center": 5, "real_rad": 2}, "real_center=5"),
            ({"rad_in": 1, "rad_out": 3, "real_center": [5, 5], "real_rad": -2}, "real_rad=-2"),
        ],
    )
    def test_refuses(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            CrystallinityUDF(**parameters)

    def test_needs_rows_and_columns(self) -> None:
        with pytest.raises(ShapeError, match="rows and columns"):
            Driver(np.zeros((3, 7)), CrystallinityUDF(1, 3), sig_dims=1)

    def test_run(self) -> None:
        class Context:
            def run_udf(self, *, dataset: np.ndarray, udf: Any, **options: object) -> object:
                return run_udf(dataset, udf)

        data = np.ones((2, 2, 8, 8))
        assert not run_analysis_crystall(Context(), data, 1, 3)["intensity"].data.any()
