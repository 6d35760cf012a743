from __future__ import annotations

import numpy as np
import pytest

from analyses.cuts import scan
from framefold.analyses.logsum import STEPS, LogsumUDF, run_logsum
from udf.driver import Driver, run_udf


class TestLogsumUDF:
    """Sum of ln(frame - min + 1)."""

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32", "float64"])
    def test_equals_numpy(self, dtype: str) -> None:
        data = scan(dtype)

        result = run_udf(data, LogsumUDF(), cuts=[1, 8])["logsum"]

        wide = data.astype(np.float64)
        above = wide - wide.min(axis=(2, 3), keepdims=True)
        expected = np.log(above + 1).sum(axis=(0, 1))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.data, expected, rtol=1e-7)

    def test_merge_all_gives_the_same(self) -> None:
        driver = Driver(scan("uint8"), LogsumUDF())
        parts = {i: driver.part(*cut) for i, cut in enumerate([(0, 7), (7, 20)])}

        class Part:
            def __init__(self, arrays: dict[str, np.ndarray]) -> None:
                self.total = arrays["total"]

        merged = LogsumUDF().merge_all({i: Part(p.results[0]) for i, p in parts.items()})

        assert merged["total"].shape == (9, 11)
        expected = run_udf(scan("uint8"), LogsumUDF())["logsum"].data
        np.testing.assert_allclose(merged["total"] / STEPS, expected, rtol=1e-6)

    def test_run(self) -> None:
        class Context:
            def run_udf(self, *, dataset: np.ndarray, udf: LogsumUDF, roi: object) -> object:
                return run_udf(dataset, udf)

        assert set(run_logsum(Context(), scan("uint8"))) == {"logsum"}
