"""Masked pixels of a tile, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.blanking import blank_tile

TYPES = ("u1", "u2", "u4", "i4")


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(TYPES),
    frames=st.integers(1, 4),
    pixels=st.integers(1, 3000),
    share=st.sampled_from([0, 0.001, 0.5, 1]),
    which=st.sampled_from(["largest", "smallest", "middle", None]),
    left_out=st.booleans(),
    seed=st.integers(0, 99),
)
def test_equals_numpy(dtype, frames, pixels, share, which, left_out, seed):
    rng = np.random.default_rng(seed)
    limits = np.iinfo(dtype)
    tile = rng.integers(limits.min, limits.max, (frames, pixels), dtype, endpoint=True)
    sentinel = {"largest": limits.max, "smallest": limits.min, "middle": 7, None: None}[which]
    if sentinel is not None:
        tile[rng.random(tile.shape) < share] = sentinel
    excluded = rng.permutation(pixels)[: pixels // 3] if left_out else None
    expected = tile.copy()
    if sentinel is not None:
        expected[expected == sentinel] = 0
    if left_out:
        expected[:, excluded] = 0

    blank_tile(tile, sentinel, excluded)

    assert (tile == expected).all()


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "u8", "?"])
def test_excluded_pixels_of_other_types(dtype):
    tile = np.ones((2, 3, 4), dtype)

    blank_tile(tile, None, np.array([0, 11]))

    assert (tile.reshape(2, 12) == 0).sum() == 4
