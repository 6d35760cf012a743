from __future__ import annotations

import numpy as np

from analyses.cuts import scan
from framefold.analyses.noop import NoOpUDF
from udf.driver import Driver


class TestNoOpUDF:
    """Every frame is read; nothing comes of it."""

    def test_reads_everything(self) -> None:
        driver = Driver(scan("uint16"), NoOpUDF())

        assert driver.run([7]) == [{}]
        assert sum(count for _, count in driver.reads) == 20
        assert driver.reduction.spec.input_dtype == np.uint16

    def test_may_ask_for_a_dtype(self) -> None:
        driver = Driver(scan("uint16"), NoOpUDF("float64"))

        assert driver.reduction.spec.input_dtype == np.float64
