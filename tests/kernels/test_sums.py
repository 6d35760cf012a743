from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.rows import accumulator_dtype, as_rows
from framefold.kernels.sums import add_frames, frame_sums

DTYPES = ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", "?", "i8", "u8", "f2", "c8", "c16"]
EXACT = [d for d in DTYPES if d[0] in "ui?" and d != "u8"]


def frames(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind in "ui" and kind.itemsize < 8:
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, kind, endpoint=True)
    if kind.kind in "ui":
        return rng.integers(0, 1 << 40, shape).astype(kind)
    if kind.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind)
    return (rng.normal(size=shape) * 100).astype(kind)


cases = {
    "n": st.integers(0, 13),
    "sig": st.sampled_from([(1,), (7,), (3, 5), (16, 16), (33, 65), (2, 3, 4), (40, 60), (0,)]),
    "seed": st.integers(0, 2**32 - 1),
}


class TestAddFrames:
    """A running total of all frames, exact for integers, whatever the cut into tiles."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @settings(max_examples=15, deadline=None)
    @given(**cases)
    def test_equals_numpy(self, dtype: str, n: int, sig: tuple[int, ...], seed: int) -> None:
        tile = frames(dtype, (n, *sig), seed)
        total = np.ones(sig, accumulator_dtype(dtype))

        add_frames(tile, total)

        expected = 1 + tile.sum(axis=0, dtype=total.dtype)
        if dtype in EXACT:
            assert np.array_equal(total, expected)
        else:
            np.testing.assert_allclose(total, expected, rtol=1e-12, atol=1e-9)

    @pytest.mark.parametrize("dtype", DTYPES)
    @settings(max_examples=10, deadline=None)
    @given(cut=st.integers(0, 11), **cases)
    def test_cuts_leave_no_trace(
        self, dtype: str, cut: int, n: int, sig: tuple[int, ...], seed: int
    ) -> None:
        tile = frames(dtype, (n, *sig), seed)
        whole = np.zeros(sig, accumulator_dtype(dtype))
        pieces = whole.copy()

        add_frames(tile, whole)
        add_frames(tile[:cut], pieces)
        add_frames(tile[cut:], pieces)

        assert whole.tobytes() == pieces.tobytes()

    @pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4"])
    def test_full_scale_does_not_overflow(self, dtype: str) -> None:
        largest = np.iinfo(dtype).max
        tile = np.full((70_000, 3), largest, dtype)
        total = np.zeros(3, accumulator_dtype(dtype))

        add_frames(tile, total)

        assert total.tolist() == [70_000 * int(largest)] * 3

    def test_integers_into_float64(self) -> None:
        tile = frames("u2", (9, 30), 1)
        total = np.zeros(30)

        add_frames(tile, total)

        assert np.array_equal(total, tile.sum(axis=0))

    def test_strided_and_read_only_tiles(self) -> None:
        tile = frames("u2", (4, 8, 10), 2)[:, ::2, 1:7]
        tile.flags.writeable = False
        total = np.zeros((4, 6), np.uint64)

        add_frames(tile, total)

        assert np.array_equal(total, tile.sum(axis=0))

    def test_refuses_a_total_of_another_size(self) -> None:
        with pytest.raises(ValueError, match="total has 5 pixels, the frames have 4"):
            add_frames(np.zeros((1, 4), "u2"), np.zeros(5))


class TestFrameSums:
    """One sum a frame, exact for integers, from that frame alone."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @settings(max_examples=15, deadline=None)
    @given(**cases)
    def test_equals_numpy(self, dtype: str, n: int, sig: tuple[int, ...], seed: int) -> None:
        tile = frames(dtype, (n, *sig), seed)

        sums = frame_sums(tile)

        expected = tile.reshape(n, int(np.prod(sig))).sum(axis=1, dtype=sums.dtype)
        if dtype in EXACT:
            assert np.array_equal(sums, expected)
        else:
            np.testing.assert_allclose(sums, expected, rtol=1e-10, atol=1e-8)
        assert sums.tobytes() == b"".join(frame_sums(tile[f : f + 1]).tobytes() for f in range(n))

    def test_full_scale_does_not_overflow(self) -> None:
        tile = np.full((2, 400, 400), 65535, "u2")

        assert frame_sums(tile).tolist() == [400 * 400 * 65535] * 2


class TestAsRows:
    """One row a frame, without a copy where the memory allows."""

    def test_shares_memory(self) -> None:
        tile = np.zeros((3, 4, 5), "u2")

        rows = as_rows(tile)

        assert rows.shape == (3, 20)
        assert np.shares_memory(rows, tile)
        assert tile.flags.writeable
        assert not rows.flags.writeable
