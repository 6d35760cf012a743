from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses.mask_container import MaskContainer
from framefold.analyses.masks import ApplyMasksUDF
from framefold.core.shape import Shape, Slice
from framefold.errors import ParameterError
from udf.driver import Driver, run_udf

RNG = np.random.default_rng(1)
STACK = RNG.random((5, 9, 11)).astype(np.float32)
BOOLS = STACK > 0.4
DTYPES = ["uint8", "uint16", "uint32", "int16", "float32", "float64", "bool", "complex64", "int64"]


def product(data: np.ndarray, stack: np.ndarray) -> np.ndarray:
    wide = np.result_type(data, stack, np.float64)
    return np.einsum("abyx,myx->abm", data.astype(wide), stack.astype(wide))


class TestApplyMasksUDF:
    """Dot products of frames with masks, from each frame alone."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("mask_dtype", ["bool", "int32", "float32", "float64", "complex64"])
    def test_equals_numpy(self, dtype: str, mask_dtype: str) -> None:
        data = scan(dtype)
        stack = BOOLS if mask_dtype == "bool" else (STACK * 7).astype(mask_dtype)

        result = run_udf(data, ApplyMasksUDF(lambda: stack), cuts=[4])["intensity"]

        assert result.dtype == np.result_type(data.dtype, np.float32, stack.dtype)
        expected = product(data, stack)
        np.testing.assert_allclose(
            result.data, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max()
        )
        if data.dtype.kind in "uib" and stack.dtype.kind in "uib":
            assert np.array_equal(result.data, expected.astype(result.dtype))

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "bool"])
    @pytest.mark.parametrize("shifts", [None, (1, -2)])
    @pytest.mark.parametrize("use_sparse", [False, True])
    @pytest.mark.parametrize("weights", [STACK, STACK * np.complex64(1 + 2j), BOOLS])
    def test_as_precise_as_frames_were_asked_for(
        self, dtype: str, shifts: Any, use_sparse: bool, weights: np.ndarray
    ) -> None:
        data = scan(dtype)
        udf = ApplyMasksUDF(
            weights, use_sparse=use_sparse, preferred_dtype=np.float64, shifts=shifts
        )

        result = run_udf(data, udf)["intensity"]

        assert result.dtype == np.result_type(np.float64, weights)
        wide = np.zeros(data.shape)
        wide[...] = data
        if shifts is not None:
            wide[..., :-1, 2:] = data[..., 1:, :-2]
            wide[..., -1, :] = wide[..., :2] = 0
        np.testing.assert_allclose(result.data, product(wide, weights), rtol=1e-13)

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("stack", [STACK, BOOLS], ids=["floats", "bools"])
    @settings(max_examples=6, deadline=None)
    @given(way=ways_to_cut(20))
    def test_cuts_leave_no_trace(
        self, dtype: str, stack: np.ndarray, way: tuple[list[int], int, list[int]]
    ) -> None:
        data = scan(dtype)

        assert bits(data, lambda: ApplyMasksUDF(stack), way) == bits(
            data, lambda: ApplyMasksUDF(stack)
        )

    @pytest.mark.parametrize(
        "given_as",
        [
            [lambda m=m: m for m in STACK],
            lambda: STACK,
            lambda: list(STACK),
            STACK,
            STACK.tolist(),
            list(STACK),
            [lambda m=m: scipy.sparse.csr_matrix(m) for m in STACK],
            lambda: scipy.sparse.csr_matrix(STACK.reshape(5, -1)),
        ],
        ids=[
            "factories", "stack factory", "list factory", "stack", "nested lists", "arrays",
            "sparse factories", "flat sparse stack",
        ],
    )  # fmt: skip
    def test_every_way_to_say_masks(self, given_as: Any) -> None:
        data = scan("uint8")

        udf = ApplyMasksUDF(given_as, mask_dtype="float32")
        result = run_udf(data, udf, travel=True)["intensity"]

        assert result.data.shape == (4, 5, 5)
        assert result.data.dtype == np.float32
        np.testing.assert_allclose(result.data, product(data, STACK), rtol=1e-6)

    def test_mask_dtype_keeps_the_result_narrow(self) -> None:
        stack = STACK.astype(np.float64)

        result = run_udf(scan("uint8"), ApplyMasksUDF(stack, mask_dtype="float32"))

        assert result["intensity"].data.dtype == np.float32

    def test_count_and_dtype_keep_the_main_side_from_making_masks(self) -> None:
        made = []

        def make() -> np.ndarray:
            made.append(1)
            return STACK

        driver = Driver(scan("uint8"), ApplyMasksUDF(make, mask_count=5, mask_dtype=np.float32))
        assert not made

        driver.run([5, 10, 15])
        assert len(made) == 1  # once for all partitions of the run

    def test_a_factory_is_asked_again_for_the_next_run(self) -> None:
        stack = np.ones((1, 9, 11), np.float32)
        udf = ApplyMasksUDF(lambda: stack)
        data = scan("uint8")
        run_udf(data, udf)
        stack[:] = 2

        result = run_udf(data, udf)["intensity"]

        assert np.array_equal(result.data[..., 0], 2 * data.sum(axis=(2, 3)))

    def test_parameters_may_change_while_running(self) -> None:
        data = scan("uint8")
        driver = Driver(data, ApplyMasksUDF(BOOLS[:1]))
        driver.reduction.merge(driver.part(0, 10))
        driver.reduction.update_parameters([{"mask_factories": ~BOOLS[:1]}])
        driver.reduction.merge(driver.part(10, 20))

        result = driver.reduction.results(0)["intensity"].data[..., 0].ravel()

        frames = data.reshape(20, 9, 11)
        assert np.array_equal(result[:10], (frames[:10] * BOOLS[0]).sum(axis=(1, 2)))
        assert np.array_equal(result[10:], (frames[10:] * ~BOOLS[0]).sum(axis=(1, 2)))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"mask_factories": []}, "empty"),
            ({"mask_factories": 3}, "not understood"),
            ({"mask_factories": [STACK[0], np.ones((2, 2))]}, "same shape"),
            ({"mask_factories": [["a"]]}, "array of numbers"),
            ({"mask_factories": [lambda: STACK[0], STACK[1]]}, "mixes"),
            ({"mask_factories": STACK, "shifts": (1, 2, 3)}, "two numbers"),
            ({"mask_factories": STACK, "shifts": [[1, np.nan]]}, "finite"),
            ({"mask_factories": STACK, "shifts": "far"}, "numbers"),
            (
                {"mask_factories": STACK, "shifts": (1, 2), "use_sparse": "scipy.sparse.csr"},
                "sparse.pydata",
            ),
            (
                {
                    "mask_factories": STACK,
                    "shifts": ApplyMasksUDF.aux_data(np.zeros(20), "nav"),
                },
                "extra_shape",
            ),
            ({"mask_factories": STACK, "use_sparse": "scipy.sparse.crs"}, "scipy.sparse.csr"),
            ({"mask_factories": STACK, "backends": ["cuda"]}, "numpy"),
        ],
    )
    def test_refuses(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            ApplyMasksUDF(**arguments)

    def test_refuses_masks_of_another_shape_than_the_detector(self) -> None:
        with pytest.raises(ParameterError, match=r"\(3, 3\), the detector has \(9, 11\)"):
            run_udf(scan("uint8"), ApplyMasksUDF(np.ones((1, 3, 3))))

    def test_refuses_one_mask_where_a_stack_is_due(self) -> None:
        with pytest.raises(ParameterError, match="put it in a list"):
            run_udf(scan("uint8"), ApplyMasksUDF(lambda: np.ones(99)))

    def test_refuses_a_wrong_count(self) -> None:
        with pytest.raises(ParameterError, match="mask_count=4"):
            run_udf(scan("uint8"), ApplyMasksUDF(lambda: STACK, mask_count=4))

    def test_large_masks_are_told_of(self, caplog: pytest.LogCaptureFixture) -> None:
        large = np.ones((1, 600, 600))

        Driver(np.zeros((1, 1, 600, 600), np.uint8), ApplyMasksUDF(large))
        assert "bytes=2880" in caplog.text

        caplog.clear()
        Driver(np.zeros((1, 1, 600, 600), np.uint8), ApplyMasksUDF(lambda: np.ones((1, 600, 600))))
        assert not caplog.text


def test_older_name_of_get() -> None:
    masks = MaskContainer([lambda: np.arange(12).reshape(3, 4), lambda: np.ones((3, 4))])
    box = Slice((7, 1, 0), Shape((2, 2, 3), 2))

    assert masks.get_masks_for_slice(box).shape == (6, 2)
    assert np.array_equal(masks.get_masks_for_slice(box), masks.get(box))
