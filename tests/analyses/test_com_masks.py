from __future__ import annotations

import numpy as np
import pytest

from analyses.cuts import scan
from framefold.analyses.com import CoMUDF
from framefold.analyses.com_masks import center_shifts, com_masks_factory, com_masks_generic
from framefold.analyses.detector_masks import rectangular
from framefold.analyses.masks import ApplyMasksUDF
from udf.driver import run_udf


class TestComMasks:
    """Centres of mass by masks, as `CoMUDF` finds them without."""

    def test_disk(self) -> None:
        data = scan("uint16")

        products = run_udf(data, ApplyMasksUDF(com_masks_factory(9, 11, 4, 6, 3)))["intensity"].data
        y, x = center_shifts(products[..., 0], products[..., 1], products[..., 2], 4, 6)

        expected = run_udf(data, CoMUDF.with_params(cy=4, cx=6, r=3))["raw_shifts"].data
        np.testing.assert_allclose(np.stack([y, x], axis=-1), expected, atol=2e-6)

    def test_any_region(self) -> None:
        region = rectangular(2, 1, 4, 5, 11, 9)

        base, along_y, along_x = com_masks_generic(9, 11, lambda: region)

        rows, columns = np.indices((9, 11))
        assert base() is region
        assert np.array_equal(along_y(), region * rows)
        assert np.array_equal(along_x(), region * columns)
        assert along_y().dtype == np.float32

    @pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
    def test_nothing_is_no_shift(self, dtype: str) -> None:
        total = np.array([0, 2], dtype)

        y, x = center_shifts(total, total * 3, total * 5, 1.5, 1)

        assert y.tolist() == [0, 1.5]
        assert x.tolist() == [0, 4]
        assert y.dtype == np.result_type(dtype, np.float32)
