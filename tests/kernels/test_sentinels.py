"""Pixels with all bits set become zero among bit planes, and nothing else is written."""

from __future__ import annotations

import numpy as np
import pytest

from encoders import bit_planes
from fenced import Fenced
from framefold.kernels.sentinels import clear_full_pixels, clear_full_planes


def some(dtype, count, seed):
    most = np.iinfo(dtype).max
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, most, count, dtype, endpoint=True)
    pixels[rng.random(count) < 0.2] = most
    return pixels, np.where(pixels == most, 0, pixels).astype(dtype)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
class TestClearing:
    """Held against numpy, with fences around everything."""

    def test_planes(self, dtype):
        for count in (8, 56, 64, 72, 4096, 4104):
            pixels, wanted = some(dtype, count, count)
            planes = Fenced(pixels.nbytes).last(pixels.nbytes)
            planes[:] = bit_planes(pixels)

            clear_full_planes(planes.ctypes.data, count // 8, 8 * pixels.itemsize)

            assert (planes == bit_planes(wanted)).all(), count

    def test_pixels(self, dtype):
        for count in (1, 7):
            pixels, wanted = some(dtype, count, count)
            memory = Fenced(pixels.nbytes).last(pixels.nbytes)
            memory[:] = pixels.view("u1")

            clear_full_pixels(memory.ctypes.data, pixels.nbytes, pixels.itemsize)

            assert (memory == wanted.view("u1")).all(), count
