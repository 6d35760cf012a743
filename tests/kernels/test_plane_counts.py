"""Sums and moments from bit planes are those of the integers, and nothing else is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from encoders import bit_planes, scene
from fenced import Fenced
from framefold.core.encoded_tile import region_bits
from framefold.kernels import plane_counts
from framefold.kernels.memory import SLACK
from framefold.kernels.plane_counts import WEIGHTS, add_moments, count_planes


def held(pixels, more=0):
    """The planes of `pixels`, and so many bytes of noise, right before a fence."""
    planes = Fenced(pixels.nbytes + more).last(pixels.nbytes + more)
    planes[: pixels.nbytes] = bit_planes(pixels)
    planes[pixels.nbytes :] = 0xFF
    return planes


class TestCountPlanes:
    """All integers of a block, or those of a region."""

    @settings(deadline=None, max_examples=120)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "constant", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4"]),
        eights=st.sampled_from([1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 256, 300, 511, 512, 520]),
        share=st.sampled_from([None, 0.0, 0.01, 0.5, 1.0]),
        seed=st.integers(0, 2**32),
    )
    def test_against_numpy(self, kind, dtype, eights, share, seed):
        pixels = scene(kind, (8 * eights,), dtype, seed)
        counting = np.ones(pixels.size, bool)
        address = 0
        if share is not None:
            counting = np.random.default_rng(seed).random(pixels.size) < share
            region = Fenced(eights).last(eights)
            region[:] = np.packbits(counting, bitorder="little")
            address = region.ctypes.data
        planes = held(pixels)

        found = count_planes(planes.ctypes.data, eights, 8 * pixels.itemsize, address)

        assert found == pixels[counting].sum(dtype=np.uint64)

    def test_every_bit_is_worth_its_own(self):
        for bit in range(32):
            pixels = np.zeros(4096, "u4")
            pixels[[0, 77, 4095]] = 1 << bit
            planes = held(pixels)

            assert count_planes(planes.ctypes.data, 512, 32, 0) == 3 << bit


def moments(pixels, width, region, columns_from=0):
    """Of pixels in rows of a width, the first of which stands at a column."""
    planes, bits = held(pixels, SLACK), region_bits(region)
    first = columns_from + np.arange(0, pixels.size + 7 * 64, 64)
    rows, columns = np.divmod(first, width)
    sums = np.zeros(WEIGHTS // 8, np.int64)
    add_moments(
        planes.ctypes.data, pixels.size // 8, 8 * pixels.itemsize, bits.ctypes.data,
        rows.ctypes.data, columns.ctypes.data, sums.ctypes.data,
    )  # fmt: skip
    assert not sums[24:].any()
    return sums[:24].reshape(3, 8).sum(axis=1).tolist()


class TestAddMoments:
    """Sum and first moments of a block."""

    @settings(deadline=None, max_examples=120)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4"]),
        words=st.sampled_from([1, 2, 7, 8, 9, 32, 64, 65]),
        across=st.integers(1, 5),
        before=st.integers(0, 9),
        share=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
        seed=st.integers(0, 2**32),
    )
    def test_against_numpy(self, kind, dtype, words, across, before, share, seed):
        pixels = scene(kind, (64 * words,), dtype, seed)
        region = np.random.default_rng(seed).random(pixels.size) < share
        y, x = np.divmod(64 * before + np.arange(pixels.size), 64 * across)
        values = np.where(region, pixels, 0).astype(object)

        found = moments(pixels, 64 * across, region, 64 * before)

        assert found == [values.sum(), (y * values).sum(), (x * values).sum()]

    def test_each_column_has_its_own_weight(self):
        for column in range(128):
            pixels = np.zeros(256, "u2")
            pixels[128 + column] = 5

            assert moments(pixels, 128, np.ones(256, bool)) == [5, 5, 5 * column]


@pytest.mark.parametrize("place", [0, 100, 255])
def test_256_bytes(place):
    """The two instructions that count so many at once."""

    @njit
    def counted(source, region):
        return plane_counts._count_256(source), plane_counts._count_256_of(source, region)

    source, region = np.zeros(256, "u1"), np.zeros(256, "u1")
    source[place], region[place] = 0b1011, 0b0010
    source[(place + 1) % 256] = 1

    assert counted(source.ctypes.data, region.ctypes.data) == (4, 1)
