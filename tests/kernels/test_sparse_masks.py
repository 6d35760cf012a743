from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.sparse_masks import SparseMasks

DTYPES = ["u1", "u2", "u4", "i2", "i4", "f4", "f8", "?", "i8", "c8"]
WEIGHTS = ["?", "i4", "u2", "f4", "f8", "c8"]


def prepared(stack: np.ndarray, dtype: str) -> SparseMasks:
    mask, pixel = np.nonzero(stack)
    bounds = np.searchsorted(mask, np.arange(len(stack) + 1))
    return SparseMasks(pixel, stack[mask, pixel], bounds, stack.shape[1], dtype)


class TestSparseMasks:
    """The same products as dense masks give."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("weights", WEIGHTS)
    @settings(max_examples=6, deadline=None)
    @given(n=st.integers(0, 5), m=st.integers(0, 4), seed=st.integers(0, 2**32 - 1))
    def test_equals_numpy(self, dtype: str, weights: str, n: int, m: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        tile = (rng.random((n, 5, 7)) * 100).astype(dtype)
        stack = ((rng.random((m, 35)) * 9) * (rng.random((m, 35)) < 0.3)).astype(weights)

        found = prepared(stack, dtype).apply(tile)

        wide = np.result_type(dtype, weights, np.float64)
        expected = tile.reshape(n, 35).astype(wide) @ stack.astype(wide).T
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        if dtype[0] in "ui?" and weights[0] in "ui?":
            assert found.dtype == np.int64 or dtype == "i8"

    def test_exact_beyond_float64(self) -> None:
        tile = np.array([[2**31, 1]], np.uint32)
        stack = np.array([[2**24, 1]], np.int32)

        assert prepared(stack, "u4").apply(tile).tolist() == [[2**55 + 1]]

    def test_refuses_what_was_not_promised(self) -> None:
        masks = prepared(np.ones((1, 4)), "u2")

        with pytest.raises(ValueError, match="prepared for 4 pixels of uint16"):
            masks.apply(np.zeros((1, 4), np.uint8))
        with pytest.raises(ValueError, match="beyond"):
            SparseMasks(np.array([4]), np.ones(1), np.array([0, 1]), 4, "u2")
