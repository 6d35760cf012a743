"""Bit planes turn back into integers, and nothing else is written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from encoders import bit_planes, scene
from fenced import Fenced
from framefold.kernels import bitplanes
from framefold.kernels.bitplanes import WORKSPACE, planes_in_use, restore_integers
from framefold.kernels.memory import SLACK


def restored(pixels):
    """`pixels` after numpy's transpose and the kernel's, with fences around everything."""
    planes = Fenced(pixels.nbytes + SLACK).last(pixels.nbytes + SLACK)
    planes[: pixels.nbytes] = bit_planes(pixels)
    planes[pixels.nbytes :] = 0xFF  # what happens to lie in the slack must not matter
    out = Fenced(pixels.nbytes).last(pixels.nbytes)
    workspace = Fenced(WORKSPACE).last(WORKSPACE)

    restore_integers(
        planes.ctypes.data, pixels.size, pixels.itemsize, out.ctypes.data, workspace.ctypes.data
    )
    return np.frombuffer(out.tobytes(), pixels.dtype)


class TestRestoreIntegers:
    @pytest.mark.parametrize("kind", ["sparse", "dense", "random", "constant", "zero"])
    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "f4", "S3", "S6", "S10"])
    def test_undoes_the_transpose(self, dtype, kind):
        """Every element size, blocks shorter and longer than a vector step, odd lengths."""
        for count in (8, 16, 504, 512, 520, 1016, 1024, 4096, 4104):
            pixels = scene(kind, (count,), dtype, seed=count)

            assert restored(pixels).tobytes() == pixels.tobytes(), count

    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
    def test_whatever_the_highest_bit(self, dtype):
        """No used plane is taken for an empty one."""
        bits = 8 * np.dtype(dtype).itemsize
        for highest in range(bits):
            for place in (0, 511, 599):
                pixels = np.zeros(600, dtype)
                pixels[place] = np.array(1 << highest, dtype)

                assert (restored(pixels) == pixels).all(), (highest, place)

    @settings(deadline=None, max_examples=60)
    @given(
        data=st.data(),
        dtype=st.sampled_from(["u1", "u2", "u4", "u8", "S3"]),
        eights=st.integers(1, 200),
    )
    def test_any_pixels(self, data, dtype, eights):
        size = 8 * eights * np.dtype(dtype).itemsize
        seed = data.draw(st.integers(0, 2**32))
        top = data.draw(st.integers(1, 256))
        values = np.random.default_rng(seed).integers(0, top, size).astype(np.uint8)
        pixels = values.view(dtype)

        assert restored(pixels).tobytes() == pixels.tobytes()


class TestRegisters:
    """Machines do it by what registers and instructions they have, to the same end."""

    @pytest.mark.parametrize("way", ["few registers", "many registers", "bit matrices"])
    @pytest.mark.parametrize(
        ("size", "planes"),
        [(1, 4), (1, 8), (2, 4), (2, 8), (2, 12), (2, 16), (4, 8), (4, 16), (4, 32)],
    )
    def test_all_ways_restore(self, monkeypatch, way, size, planes):
        if way == "bit matrices" and not bitplanes.HAS_BIT_MATRICES:
            pytest.skip("this machine has no instruction for matrices of bits")
        monkeypatch.setattr(bitplanes, "HAS_BIT_MATRICES", way == "bit matrices")
        monkeypatch.setattr(bitplanes, "HAS_32_WIDE_REGISTERS", way == "many registers")
        restore = bitplanes._restoring(size, planes)
        step = njit(lambda source, stride, target: restore(source, stride, target))
        rng = np.random.default_rng(planes)
        pixels = rng.integers(0, 1 << planes, 8 * bitplanes.STEP).astype(f"u{size}")
        source = Fenced(pixels.nbytes).last(pixels.nbytes)
        source[:] = bit_planes(pixels)
        out = Fenced(pixels.nbytes).last(pixels.nbytes)

        step(source.ctypes.data, bitplanes.STEP, out.ctypes.data)

        assert out.tobytes() == pixels.tobytes()


class TestPlanesInUse:
    def test_rounds_up_to_four(self):
        for stride in (1, 7, 64, 100):
            for plane in range(16):
                planes = np.zeros(16 * stride, np.uint8)
                planes[plane * stride + stride // 2] = 1

                assert planes_in_use(planes.ctypes.data, stride, 16) == plane // 4 * 4 + 4

    def test_nothing_in_use(self):
        assert planes_in_use(np.zeros(64, np.uint8).ctypes.data, 4, 16) == 0
