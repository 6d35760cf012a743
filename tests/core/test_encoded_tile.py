"""Regions as bits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.encoded_tile import region_bits


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32))
def test_a_bit_for_each_pixel_and_zeros_behind(height, width, seed):
    region = np.random.default_rng(seed).random((height, width)) < 0.5

    bits = region_bits(region)

    assert bits.dtype == np.uint8
    for number, counts in enumerate(region.reshape(-1)):
        assert bool(bits[number // 8] >> number % 8 & 1) == counts
    assert len(bits) == -(-region.size // 8) + 64
    assert not np.unpackbits(bits, bitorder="little")[region.size :].any()
