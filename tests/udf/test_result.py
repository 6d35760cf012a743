"""What get_results may return, and what users get for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold.errors import InvalidMaskError, UDFException, UndeclaredResultError
from framefold.udf import UDF, BufferWrapper
from udf.driver import Driver, run_udf

DATA = np.random.default_rng(5).integers(0, 50, (3, 4, 6, 7)).astype(np.uint16)
SELECTION = np.arange(12).reshape(3, 4) % 3 == 1  # 1, 4, 7, 10


def make(results: Any, **declared: Any) -> UDF:
    """A UDF with these buffers, whose get_results calls ``results(udf)``."""

    class Given(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {name: self.buffer(**d) for name, d in declared.items()}

        def process_frame(self, frame: np.ndarray) -> None:
            pass

        def merge(self, dest: Any, src: Any) -> None:
            pass

        def get_results(self) -> Any:
            return results(self)

    return Given()


NAV = {"kind": "nav"}
ONLY = {"kind": "nav", "use": "result_only"}
PRIVATE = {"kind": "nav", "use": "private"}


class TestRules:
    """Names, use, types and shapes must be as declared."""

    def test_undeclared(self) -> None:
        for kind in (KeyError, UDFException, UndeclaredResultError):
            with pytest.raises(kind, match="did you mean 'sum'"):
                run_udf(DATA, make(lambda udf: {"sums": np.zeros(12)}, sum=NAV))

    def test_private(self) -> None:
        with pytest.raises(UDFException, match="use='private'"):
            run_udf(DATA, make(lambda udf: {"x": udf.results.x}, x=PRIVATE))

    def test_kind_of_dtype(self) -> None:
        with pytest.raises(UDFException, match="kind 'i', declared is float32"):
            run_udf(DATA, make(lambda udf: {"x": np.zeros(12, int)}, x=NAV))

    def test_wider_types_pass(self) -> None:
        result = run_udf(DATA, make(lambda udf: {"x": np.zeros(12)}, x=NAV))["x"]

        assert result.data.dtype == np.float64
        assert result.dtype == np.float32

    def test_omitted(self) -> None:
        only = make(lambda udf: {}, x=NAV, p=PRIVATE, o=ONLY)

        assert set(run_udf(DATA, only)) == {"x"}

    def test_order_is_that_of_get_results_and_then_of_the_declaration(self) -> None:
        udf = make(lambda udf: {"c": np.zeros(12), "b": np.zeros(12)}, a=NAV, b=NAV, c=ONLY, d=NAV)

        assert list(run_udf(DATA, udf)) == ["c", "b", "a", "d"]

    def test_default_needs_help_for_what_exists_in_results_only(self) -> None:
        udf = make(lambda udf: UDF.get_results(udf), x=NAV, o=ONLY)
        with pytest.raises(UDFException, match="must define get_results"):
            run_udf(DATA, udf)

    def test_default_returns_all_but_private(self) -> None:
        assert set(run_udf(DATA, make(lambda udf: UDF.get_results(udf), x=NAV, p=PRIVATE))) == {"x"}

    def test_no_dictionary(self) -> None:
        with pytest.raises(UDFException, match="return a dictionary"):
            run_udf(DATA, make(lambda udf: [1], x=NAV))

    def test_numbers_for_single(self) -> None:
        udf = make(lambda udf: {"x": np.float32(3), "y": [1.0, 2.0]},
                   x={"kind": "single"}, y={"kind": "single", "extra_shape": (2,)})  # fmt: skip
        result = run_udf(DATA, udf)

        assert result["x"].data.tolist() == [3]
        assert result["y"].data.tolist() == [1, 2]

    @pytest.mark.parametrize("kind", ["nav", "sig"])
    def test_wrong_number_of_values(self, kind: str) -> None:
        with pytest.raises(UDFException, match=r"result 'x' has shape \(5,\), declared is"):
            run_udf(DATA, make(lambda udf: {"x": np.zeros(5, np.float32)}, x={"kind": kind}))

    def test_reading_what_exists_in_results_only(self) -> None:
        with pytest.raises(ValueError, match="result_only"):
            run_udf(DATA, make(lambda udf: {"o": udf.results.o}, o=ONLY))

    def test_buffers_can_be_had_in_the_shape_of_the_scan(self) -> None:
        udf = make(lambda udf: {"o": udf.results.get_buffer("x").data}, x=NAV, o=ONLY)

        assert run_udf(DATA, udf, selection=SELECTION)["o"].data.shape == (3, 4)


class TestNavShapes:
    """Nav results come flat, in the shape of the scan, or with axes of 1."""

    @pytest.mark.parametrize("shape", [(12,), (3, 4), (12, 1), (3, 4, 1)])
    def test_everything_selected(self, shape: tuple[int, ...]) -> None:
        values = np.arange(12, dtype=np.float32)
        result = run_udf(DATA, make(lambda udf: {"x": values.reshape(shape)}, x=NAV))["x"]

        assert np.array_equal(result.data, values.reshape(3, 4))
        assert np.array_equal(result.raw_data, values)
        assert result.valid_mask.shape == (3, 4)

    def test_compressed(self) -> None:
        values = np.arange(8, dtype=np.float32).reshape(4, 2)
        udf = make(lambda udf: {"x": values}, x={**NAV, "extra_shape": (2,)})
        result = run_udf(DATA, udf, selection=SELECTION)["x"]

        assert np.array_equal(result.raw_data, values)
        assert np.array_equal(result.data[SELECTION], values)
        assert np.isnan(result.data[~SELECTION]).all()
        assert np.array_equal(result.valid_mask, np.stack([SELECTION] * 2, axis=-1))

    def test_full_shape_with_selection(self) -> None:
        values = np.arange(12, dtype=np.float32).reshape(3, 4)
        driver = Driver(DATA, make(lambda udf: {"x": values}, x=NAV), selection=SELECTION)
        driver.reduction.merge(driver.part(0, 2))
        result = driver.reduction.results(0)["x"]

        assert np.array_equal(result.data, values)
        assert np.array_equal(result.raw_data, values[SELECTION])
        assert np.flatnonzero(result.valid_mask).tolist() == [1, 4]
        assert result.raw_valid_mask.tolist() == [True, True, False, False]
        copy = driver.reduction.results(0, copy=True)["x"]
        assert np.array_equal(copy.data, values)


class TestMasks:
    """UDFs may say which values mean something."""

    def test_default_is_what_is_merged(self) -> None:
        udf = make(lambda udf: {}, x={**NAV, "extra_shape": (2,)}, y={"kind": "sig"})
        driver = Driver(DATA, udf)
        driver.reduction.merge(driver.part(2, 5))
        result = driver.reduction.results(0)

        assert np.flatnonzero(result["x"].valid_mask[..., 0]).tolist() == [2, 3, 4]
        assert np.array_equal(result["x"].valid_mask[..., 0], result["x"].valid_mask[..., 1])
        assert result["y"].valid_mask.all()
        assert result["x"].masked_data.count() == 6
        assert result["x"].raw_masked_data.shape == (12, 2)

    @pytest.mark.parametrize("mask", [True, False])
    @pytest.mark.parametrize("kind", ["nav", "sig", "single"])
    def test_all_or_nothing(self, kind: str, mask: bool) -> None:
        udf = make(
            lambda udf: {"x": udf.with_mask(udf.results.x, mask=mask)},
            x={"kind": kind, "extra_shape": (2,)},
        )
        result = run_udf(DATA, udf)["x"]

        assert result.valid_mask.shape == result.data.shape
        assert (result.valid_mask == mask).all()

    def test_array(self) -> None:
        mask = np.arange(4) > 1
        udf = make(lambda udf: {"x": udf.with_mask(udf.results.x, mask=mask)}, x=NAV)
        result = run_udf(DATA, udf, selection=SELECTION)["x"]

        assert np.flatnonzero(result.valid_mask).tolist() == [7, 10]
        assert np.array_equal(result.raw_valid_mask, mask)

    def test_full_shape_with_selection(self) -> None:
        mask = np.zeros((3, 4), bool)
        mask[1:, 1:] = True
        udf = make(lambda udf: {"x": udf.with_mask(np.ones((3, 4), "f4"), mask)}, x=NAV)
        result = run_udf(DATA, udf, selection=SELECTION)["x"]

        assert np.array_equal(result.valid_mask, mask)
        assert result.valid_slice_bounding == (slice(1, 3), slice(1, 4))
        assert result.get_valid_slice_inner(axis=0) == (slice(0, 0), slice(None))

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (np.ones(5, bool), r"shape \(5,\) does not fit values of shape \(12,\)"),
            (np.ones(12), "must be boolean, this one is float64"),
            (1, "must be boolean"),
        ],
    )
    def test_invalid(self, mask: Any, message: str) -> None:
        with pytest.raises(InvalidMaskError, match=message):
            UDF.with_mask(np.zeros(12), mask=mask)
