"""What this model has beyond the one UDF authors know, and corrections on their way to UDFs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.analyses.pick import PickUDF
from framefold.analyses.sum import SumUDF
from framefold.core.corrections import CorrectionSet
from framefold.core.detector import correct
from framefold.errors import ShapeError
from framefold.udf import UDF, BoundRun, BufferWrapper
from udf.driver import Driver, run_udf

RNG = np.random.default_rng(7)
DATA = RNG.integers(0, 1000, (3, 4, 5, 6)).astype(np.uint16)


class FrameSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum(dtype=np.float64)


class TestCorrections:
    """Applied once to each tile, before any UDF."""

    bad = np.zeros((5, 6), bool)
    bad[0, 0] = bad[2, 3] = True
    made = CorrectionSet(RNG.random((5, 6)), RNG.random((5, 6)) + 0.5, bad)
    expected = correct(DATA, made.get_dark_frame(), made.get_gain_map(), bad)

    def test_all_kinds_of_udfs_see_them(self) -> None:
        class Looks(FrameSum):
            def get_preferred_input_dtype(self) -> Any:
                return self.USE_NATIVE_DTYPE

            def process_frame(self, frame: np.ndarray) -> None:
                assert frame.dtype == self.meta.input_dtype == np.float32
                assert self.meta.dataset_dtype == np.uint16
                assert self.meta.tile_dtype == np.float32
                assert self.meta.corrections.have_corrections()
                super().process_frame(frame)

        driver = Driver(DATA, [Looks(), SumUDF(), PickUDF()], corrections=self.made, travel=True)
        looks, total, pick = driver.run([5])
        assert np.array_equal(looks["x"].data, self.expected.sum(axis=(2, 3), dtype=np.float64))
        assert np.allclose(total["intensity"].data, self.expected.sum(axis=(0, 1)))
        assert np.array_equal(pick["intensity"].data.reshape(DATA.shape), self.expected)

    @pytest.mark.parametrize(("dtype", "seen"), [("uint8", "f4"), ("int32", "f8"), ("c8", "c8")])
    def test_dtype(self, dtype: str, seen: str) -> None:
        class Native(FrameSum):
            def get_preferred_input_dtype(self) -> Any:
                return self.USE_NATIVE_DTYPE

        driver = Driver(DATA.astype(dtype), [Native()], corrections=self.made)
        assert driver.reduction.spec.input_dtype == np.dtype(seen)
        assert driver.reduction.spec.tile_dtype == np.dtype(seen)

    def test_an_empty_set_changes_nothing(self) -> None:
        driver = Driver(DATA, [PickUDF()], corrections=CorrectionSet())
        assert driver.reduction.spec.tile_dtype == np.uint16
        assert np.array_equal(driver.run()[0]["intensity"].data.reshape(DATA.shape), DATA)

    def test_refusals(self) -> None:
        with pytest.raises(ShapeError):
            Driver(DATA, [PickUDF()], corrections=CorrectionSet(np.ones((3, 3))))
        with pytest.raises(TypeError, match="CorrectionSet"):
            Driver(DATA, [PickUDF()], corrections=np.ones((5, 6)))


class TestNavParams:
    """Plain arrays for parameters that are declared to have one value a position."""

    class Scaled(FrameSum):
        NAV_PARAMS = ("factor",)

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = frame.sum(dtype=np.float64) * self.params.factor

    @pytest.mark.parametrize("flat", [False, True])
    def test_rows(self, flat: bool) -> None:
        factor = RNG.random((3, 4))
        selection = RNG.random(12) < 0.5
        given = factor.reshape(-1) if flat else factor
        result = run_udf(DATA, self.Scaled(factor=given), [2], selection=selection)
        expected = (DATA.sum(axis=(2, 3)) * factor).reshape(-1)[selection]
        assert np.allclose(result["x"].raw_data, expected)

    def test_constants_and_updates(self) -> None:
        driver = Driver(DATA, self.Scaled(factor=2.0))
        driver.reduction.merge(driver.part(0, 6))
        factor = np.arange(12.0)
        driver.reduction.update_parameters([{"factor": factor}])
        driver.reduction.merge(driver.part(6, 12))
        sums = DATA.sum(axis=(2, 3)).reshape(-1)
        expected = np.concatenate([sums[:6] * 2, sums[6:] * factor[6:]])
        assert np.allclose(driver.reduction.results(0)["x"].raw_data, expected)

    def test_wrong_length(self) -> None:
        with pytest.raises(ShapeError, match=r"Scaled: parameter 'factor' has shape \(11,\)"):
            Driver(DATA, self.Scaled(factor=np.ones(11)))


class TestWorkerData:
    """Made once in a worker, whatever the number of partitions."""

    def test_once(self) -> None:
        calls = []

        class Costly(FrameSum):
            def get_worker_data(self) -> dict[str, Any]:
                calls.append(self.params.factor)
                return {"table": np.full(tuple(self.meta.dataset_shape.sig), self.params.factor)}

            def get_task_data(self) -> dict[str, Any]:
                return {"table": self.worker_data.table}

            def process_frame(self, frame: np.ndarray) -> None:
                self.results.x[:] = (frame * self.task_data.table).sum(dtype=np.float64)

        driver = Driver(DATA, Costly(factor=2))
        bound = BoundRun(driver.reduction.spec)
        frames = driver.frames
        for first in range(0, 12, 3):
            part = bound.process(
                first,
                np.arange(first, first + 3),
                lambda a, n, f=first: frames[f + a : f + a + n],
                np.zeros,
            )
            driver.reduction.merge(part)
        assert calls == [2]
        result = driver.reduction.results(0)
        assert np.allclose(result["x"].data, 2 * DATA.sum(axis=(2, 3)))

    def test_failure_is_the_udfs_alone(self) -> None:
        class Fails(FrameSum):
            def get_worker_data(self) -> dict[str, Any]:
                raise OSError("no such table")

        driver = Driver(DATA, [Fails(), FrameSum()])
        part = driver.part(0, 12)
        assert part.results[0].type_name == "OSError"
        assert np.allclose(part.results[1]["x"], DATA.sum(axis=(2, 3)).reshape(-1))


class TestEarly:
    """Mistakes are heard of before there are data."""

    def test_validate_run(self) -> None:
        class Picky(FrameSum):
            def validate_run(self) -> None:
                if self.meta.dataset_shape.sig.dims != 1:
                    raise ValueError("for spectra only")

        with pytest.raises(ValueError, match="for spectra only"):
            Driver(DATA, Picky())
