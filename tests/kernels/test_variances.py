from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.kernels.variances import (
    add_exactly,
    deviations,
    exact_varsum,
    join,
    words_for,
)

EXACT = ["?", "u1", "u2", "i1", "i2", "u4", "i4"]
OTHERS = ["u8", "i8", "f2", "f4", "f8", "c8", "c16"]


def frames(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind in "ui":
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, kind, endpoint=True)
    if kind.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind)
    return (rng.normal(size=shape) * 3 + 7).astype(kind)


def no_squares(dtype: str, sig: tuple[int, ...]) -> list[np.ndarray]:
    return [np.zeros(sig, np.uint64) for _ in range(words_for(np.dtype(dtype)))]


def joined(squares: list[np.ndarray]) -> list[int]:
    """One or two words as whole numbers of any size."""
    wide = [word.ravel().astype(object) << 32 * i for i, word in enumerate(squares)]
    return list(sum(wide))


def exactly(tile: np.ndarray) -> np.ndarray:
    """Variance times n as fractions, rounded once."""
    flat = tile.reshape(len(tile), -1)
    found = []
    for pixel in flat.T.tolist():
        mean = Fraction(sum(int(v) for v in pixel), len(pixel))
        found.append(float(sum((int(v) - mean) ** 2 for v in pixel)))
    return np.array(found).reshape(tile.shape[1:])


cases = {
    "n": st.integers(1, 9),
    "sig": st.sampled_from([(1,), (7,), (3, 5), (33, 65), (2, 3, 4), (0,)]),
    "seed": st.integers(0, 2**32 - 1),
}


class TestAddExactly:
    """Sums and squares of small integers, without any rounding."""

    @pytest.mark.parametrize("dtype", EXACT)
    @settings(max_examples=15, deadline=None)
    @given(**cases)
    def test_equals_numpy(self, dtype: str, n: int, sig: tuple[int, ...], seed: int) -> None:
        tile = frames(dtype, (n, *sig), seed)
        total, squares = np.ones(sig, np.int64), no_squares(dtype, sig)
        squares[0] += np.uint64(1)

        add_exactly(tile, total, *squares)

        wide = tile.astype(object) * 1
        assert np.array_equal(total, 1 + wide.sum(axis=0))
        assert joined(squares) == list(np.ravel(1 + (wide**2).sum(axis=0)))

    @pytest.mark.parametrize("dtype", ["u1", "u2", "i1", "i2", "u4", "i4"])
    def test_registers_hold_the_largest_values(self, dtype: str) -> None:
        info = np.iinfo(dtype)
        value = info.min or info.max
        n = (1 << 16) + 3
        tile = np.full((n, 2), value, dtype)
        total, squares = np.zeros(2, np.int64), no_squares(dtype, (2,))

        add_exactly(tile, total, *squares)

        assert total.tolist() == [n * value] * 2
        assert joined(squares) == [n * value**2] * 2

    def test_refuses_what_may_not_fit(self) -> None:
        with pytest.raises(ValueError, match="take 2 words, not 1"):
            add_exactly(np.zeros((1, 2), np.uint32), np.zeros(2, np.int64), np.zeros(2, np.uint64))
        with pytest.raises(ValueError, match="take 0 words"):
            add_exactly(np.zeros((1, 2), np.int64), np.zeros(2, np.int64))
        with pytest.raises(ValueError, match="3 pixels"):
            add_exactly(np.zeros((1, 2), np.uint8), np.zeros(3, np.int64), np.zeros(3, np.uint64))


class TestExactVarsum:
    """Variance from integer sums, rounded once."""

    @pytest.mark.parametrize("dtype", EXACT)
    @settings(max_examples=15, deadline=None)
    @given(**cases)
    def test_equals_fractions(self, dtype: str, n: int, sig: tuple[int, ...], seed: int) -> None:
        tile = frames(dtype, (n, *sig), seed)
        total, squares = np.zeros(sig, np.int64), no_squares(dtype, sig)
        add_exactly(tile, total, *squares)

        found = exact_varsum(n, total, *squares)

        np.testing.assert_allclose(found, exactly(tile), rtol=3e-16, atol=0)

    def test_keeps_small_variances_beside_large_sums(self) -> None:
        n = 2**32 - 1  # frames of 65535, but one of 65534
        total = np.array([n * 65535 - 1])
        squares = np.array([(n - 1) * 65535**2 + 65534**2], np.uint64)

        found = exact_varsum(n, total, squares)

        assert found[0] == pytest.approx((n - 1) / n, rel=1e-15)

    @settings(max_examples=200, deadline=None)
    @given(
        n=st.integers(1, 2**31 - 1),
        dtype=st.sampled_from(["u4", "i4"]),
        data=st.data(),
    )
    def test_two_words_hold_two_values_of_any_number_of_frames(
        self, n: int, dtype: str, data: st.DataObject
    ) -> None:
        info = np.iinfo(dtype)
        a, b = (data.draw(st.integers(int(info.min), int(info.max))) for _ in range(2))
        many = data.draw(st.integers(0, n))
        values = ((a, many), (b, n - many))
        total = np.array([sum(v * k for v, k in values)])
        low = np.array([sum((v * v & 0xFFFFFFFF) * k for v, k in values)], np.uint64)
        high = np.array([sum((v * v >> 32) * k for v, k in values)], np.uint64)

        found = exact_varsum(n, total, low, high)

        expected = float(Fraction((a - b) ** 2 * many * (n - many), n))
        np.testing.assert_allclose(found, [expected], rtol=3e-16, atol=0)


class TestDeviations:
    """Sum and squared distances from the mean, in two passes."""

    @pytest.mark.parametrize("dtype", EXACT + OTHERS)
    @settings(max_examples=10, deadline=None)
    @given(**cases)
    def test_equals_numpy(self, dtype: str, n: int, sig: tuple[int, ...], seed: int) -> None:
        tile = frames(dtype, (n, *sig), seed)
        wide = tile.astype(np.complex128 if dtype[0] == "c" else np.float64)

        total, varsum = deviations(tile)

        assert total.dtype == wide.dtype
        assert varsum.dtype == np.float64
        scale = np.abs(wide).max(initial=0)
        np.testing.assert_allclose(total, wide.sum(axis=0), rtol=1e-12, atol=1e-12 * scale)
        expected = wide.var(axis=0) * n
        np.testing.assert_allclose(varsum, expected, rtol=1e-9, atol=1e-12 * scale**2)

    def test_knows_which_dtypes_are_exact(self) -> None:
        assert all(words_for(np.dtype(d)) for d in EXACT)
        assert not any(words_for(np.dtype(d)) for d in [*OTHERS, ">u4"])


class TestJoin:
    """Two groups of frames become one; an empty group changes nothing."""

    @settings(max_examples=30, deadline=None)
    @given(n=st.integers(0, 6), m=st.integers(0, 6), dtype=st.sampled_from(["f8", "c16"]))
    def test_equals_both_at_once(self, n: int, m: int, dtype: str) -> None:
        both = frames(dtype, (n + m, 5), n)
        groups = [
            (g.sum(axis=0), g.var(axis=0) * len(g)) if len(g) else (np.zeros(5), np.zeros(5))
            for g in (both[:n], both[n:])
        ]

        total, varsum = join((n, m), (groups[0][0], groups[1][0]), (groups[0][1], groups[1][1]))

        expected = both.var(axis=0) * (n + m) if n + m else np.zeros(5)
        np.testing.assert_allclose(total, both.sum(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(varsum, expected, rtol=1e-9, atol=1e-12)
