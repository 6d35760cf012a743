from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.rings import ring_sums

DTYPES = ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", "?", "i8", "c8"]


class TestRingSums:
    """Sums by number of pixel, of each frame by itself."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @settings(max_examples=15, deadline=None)
    @given(
        n=st.integers(0, 9),
        sig=st.sampled_from([(1, 1), (3, 5), (16, 16), (0, 3)]),
        count=st.integers(1, 7),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_equals_numpy(
        self, dtype: str, n: int, sig: tuple[int, int], count: int, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        tile = (rng.random((n, *sig)) * 120).astype(dtype)
        rings = rng.integers(0, count, sig, np.int32, endpoint=True)

        found = ring_sums(tile, rings, count)

        expected = [
            [frame[rings == k].sum(dtype=found.dtype) for k in range(count)] for frame in tile
        ]
        expected = np.array(expected, found.dtype).reshape(n, count)
        np.testing.assert_allclose(found, expected, rtol=0 if dtype[0] in "ui?" else 1e-12)

    def test_a_frame_does_not_see_the_others(self) -> None:
        rng = np.random.default_rng(1)
        tile = rng.random((11, 20, 20)) * 1e6
        rings = rng.integers(0, 4, (20, 20), np.int32)

        together = ring_sums(tile, rings, 4)

        alone = np.concatenate([ring_sums(tile[i : i + 1], rings, 4) for i in range(11)])
        assert np.array_equal(together, alone)

    @pytest.mark.parametrize("number", [-1, 3])
    def test_refuses_numbers_beyond(self, number: int) -> None:
        with pytest.raises(ValueError, match="ring numbers"):
            ring_sums(np.zeros((1, 2, 2), "u1"), np.full((2, 2), number, np.int32), 2)
