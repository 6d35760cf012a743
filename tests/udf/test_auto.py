"""Functions as UDFs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.udf import AutoUDF
from udf.driver import Driver, run_udf

DATA = np.random.default_rng(5).integers(0, 50, (3, 4, 6, 7)).astype(np.uint16)


class TestAutoUDF:
    """A function is called for each frame."""

    @pytest.mark.parametrize(
        ("f", "expected"),
        [
            (np.sum, DATA.sum(axis=(2, 3))),
            (lambda frame: frame.sum(axis=0), DATA.sum(axis=2)),
            (lambda frame: float(frame.max()), DATA.max(axis=(2, 3))),
            (lambda frame: [frame.min(), frame.max()],
             np.stack([DATA.min(axis=(2, 3)), DATA.max(axis=(2, 3))], axis=-1)),
        ],
    )  # fmt: skip
    def test_result(self, f: Any, expected: np.ndarray) -> None:
        result = run_udf(DATA, AutoUDF(f), [2, 3], travel=True)

        assert set(result) == {"result"}
        assert np.array_equal(result["result"].data, expected)

    def test_called_once_more_than_there_are_frames(self) -> None:
        calls = []

        def f(frame: np.ndarray) -> np.generic:
            calls.append(frame.dtype)
            return frame.sum()

        run_udf(DATA, AutoUDF(f, monitor=True), [2, 5, 7])

        assert calls == [np.float32] * 13

    def test_workers_need_no_trial(self) -> None:
        def f(frame: np.ndarray) -> np.generic:
            if (frame == 1).all():
                f.tried = getattr(f, "tried", 0) + 1  # type: ignore[attr-defined]
                assert f.tried == 1  # type: ignore[attr-defined]
            return frame.sum()

        result = run_udf(DATA, AutoUDF(f), [2, 5], travel=True)
        assert np.array_equal(result["result"].data, DATA.sum(axis=(2, 3)))

    def test_a_function_that_fails_on_ones(self) -> None:
        with pytest.raises(ZeroDivisionError) as caught:
            Driver(DATA, AutoUDF(lambda frame: 1 / 0))

        assert "tried on a frame of ones" in caught.value.__notes__[0]


class TestMonitor:
    """The last result can be watched."""

    @pytest.mark.parametrize("f", [np.sum, lambda frame: frame.sum(axis=0)])
    def test_last_merged_position(self, f: Any) -> None:
        driver = Driver(DATA, AutoUDF(f, monitor=True))
        driver.reduction.merge(driver.part(3, 6))
        result = driver.reduction.results(0)

        expected = np.atleast_1d(f(DATA.reshape(12, 6, 7)[5]))
        assert np.array_equal(result["monitor"].data, expected)
        assert result["monitor"].valid_mask.all()

    @pytest.mark.parametrize("selection", [None, np.zeros((3, 4), bool)])
    def test_nothing_yet(self, selection: Any) -> None:
        driver = Driver(DATA, AutoUDF(np.sum, monitor=True), selection=selection)
        result = driver.reduction.results(0)

        assert result["monitor"].data.tolist() == [0]
        assert not result["monitor"].valid_mask.any()
