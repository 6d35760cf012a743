"""Copies, clears and swaps touch what they should and not a byte more."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from framefold.kernels import memory as places
from framefold.kernels.compiled import instruction
from framefold.kernels.memory import clear_bytes, copy_bytes, swap_bytes

GUARD = 0xA5


@pytest.fixture
def memory():
    return np.full(512, GUARD, np.uint8)


class TestCopyBytes:
    def test_copies_exactly(self, memory):
        source = np.arange(200, dtype=np.uint8)
        for count in range(200):
            memory[:] = GUARD
            copy_bytes(memory[64:].ctypes.data, source.ctypes.data, count)

            assert (memory[64 : 64 + count] == source[:count]).all()
            assert (memory[:64] == GUARD).all()
            assert (memory[64 + count :] == GUARD).all()


class TestClearBytes:
    def test_clears_exactly(self, memory):
        for count in range(200):
            memory[:] = GUARD
            clear_bytes(memory[3:].ctypes.data, count)

            assert (memory[3 : 3 + count] == 0).all()
            assert (memory[:3] == GUARD).all()
            assert (memory[3 + count :] == GUARD).all()


class TestSwapBytes:
    @pytest.mark.parametrize("dtype", ["u2", "u4", "u8"])
    def test_reverses_each_integer(self, dtype):
        values = np.arange(1, 100, dtype=dtype) * 257
        swapped = values.copy()

        swap_bytes(swapped.ctypes.data, swapped.nbytes, swapped.itemsize)

        assert (swapped == values.byteswap()).all()

    def test_leaves_bytes_alone(self, memory):
        swap_bytes(memory.ctypes.data, memory.nbytes, 1)

        assert (memory == GUARD).all()


@pytest.mark.parametrize("shuffles", [places._SHUFFLES, {}], ids=["by machine", "by element"])
def test_repeat_32(shuffles, memory, monkeypatch):
    """Two times sixteen bytes are taken in an order, also where they are written over."""
    monkeypatch.setattr(places, "_SHUFFLES", shuffles)
    repeat = instruction(4, places._emit_repeat)

    @numba.njit
    def run(target, first, second, order):
        repeat(target, first, second, order)

    rng = np.random.default_rng(5)
    order = rng.integers(0, 16, 32).astype(np.uint8)
    memory[:] = rng.integers(0, 256, memory.size)
    before = memory.copy()
    start = memory.ctypes.data

    run(start + 40, start + 30, start + 45, order.ctypes.data)

    expected = np.r_[before[30:46][order[:16]], before[45:61][order[16:]]]
    assert (memory[40:72] == expected).all()
    assert (memory[:40] == before[:40]).all()
    assert (memory[72:] == before[72:]).all()
