from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyses.cuts import scan
from framefold.analyses.fem import FEMUDF, run_fem
from framefold.errors import ParameterError, ShapeError
from udf.driver import Driver, run_udf


class TestFEMUDF:
    """Standard deviation within a ring."""

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32", "complex64"])
    def test_equals_numpy(self, dtype: str) -> None:
        data = scan(dtype)

        result = run_udf(data, FEMUDF((4, 5), 1, 3), cuts=[3])["intensity"]

        y, x = np.ogrid[:9, :11]
        squared = (y - 4) ** 2 + (x - 5) ** 2
        ring = data[..., (squared > 1) & (squared <= 9)]
        wide = ring.astype(np.result_type(dtype, np.float64))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.data, wide.std(axis=-1), rtol=1e-6)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((3, 1, 2), "center=3 must be two numbers, y and x"),
            (((3, "x"), 1, 2), "x of center='x'"),
            (((3, 3), 2, 2), "rad_in=2 must be smaller than rad_out=2"),
            (((3, 3), -1, 2), "rad_in=-1 must be at least 0"),
        ],
    )
    def test_refuses(self, arguments: tuple[Any, ...], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            FEMUDF(*arguments)

    def test_refuses_a_ring_beside_the_detector(self) -> None:
        with pytest.raises(ParameterError, match="no pixel of a 9x11 detector"):
            Driver(scan("uint8"), FEMUDF([100, 100], 1, 3))
        with pytest.raises(ShapeError, match="rows and columns"):
            Driver(np.zeros((3, 7)), FEMUDF([1, 1], 1, 3), sig_dims=1)

    def test_run(self) -> None:
        class Context:
            def run_udf(self, *, dataset: np.ndarray, udf: FEMUDF, roi: object) -> object:
                return run_udf(dataset, udf)

        assert run_fem(Context(), scan("uint8"), (4, 5), 1, 3)["intensity"].shape == (20,)
