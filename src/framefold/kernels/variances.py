"""Sums and squares over frames, pixel by pixel, from which variances come.

Integers of up to 32 bit are added up exactly, so that no cut into tiles or partitions can show; the
squares of those of more than 16 bit take two words a pixel. Everything else is summed up as
deviations from the mean of its tile, in float64; two groups of frames are joined by the pairwise
update of E. Schubert and M. Gertz, "Numerically stable parallel computation of (co-)variance",
SSDBM 2018, doi:10.1145/3221269.3223036.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.compiled import kernel
from framefold.kernels.rows import as_rows, is_supported

# one block of sums and squares stays in a first-level cache of 32 KiB
_BLOCK = 1024
# 2**16 frames x (2**8 - 1)**2 stays below 2**32, and so does 2**16 x (2**16 - 1)
_FRAMES_PER_PARTIAL = 1 << 16
# dtype -> registers in which sums and squares of so many frames fit
_PARTIAL = {
    "u1": (np.uint32, np.uint32),
    "i1": (np.int32, np.uint32),
    "u2": (np.uint32, np.uint64),
    "i2": (np.int32, np.uint64),
}


_HALF = np.uint64(0xFFFFFFFF)


def words_for(dtype: np.dtype[Any]) -> int:
    """How many uint64 a pixel the squares of this dtype take if they are kept as integers.

    Returns
    -------
    int
        1 for bool and up to 16 bit, 2 for 32 bit, 0 for all that is not kept as integers.
    """
    if dtype == np.bool_ or dtype.str[1:] in _PARTIAL:
        return 1
    return 2 if dtype.isnative and dtype.str[1:] in ("u4", "i4") else 0


@kernel
def _add_exactly(
    rows: NDArray[Any],
    sums: NDArray[Any],
    squares: NDArray[Any],
    total: NDArray[Any],
    total_squares: NDArray[Any],
) -> None:
    frames, pixels = rows.shape
    narrow = sums.dtype.type
    wide = squares.dtype.type
    for start in range(0, pixels, sums.size):
        out = total[start : start + sums.size]
        out_squares = total_squares[start : start + sums.size]
        width = out.size
        sums[:width] = 0
        squares[:width] = 0
        f = 0
        while f + 4 <= frames:  # four frames a pass: sums and squares are loaded a fourth as often
            a = rows[f, start : start + width]
            b = rows[f + 1, start : start + width]
            c = rows[f + 2, start : start + width]
            d = rows[f + 3, start : start + width]
            for i in range(width):
                sums[i] += narrow(a[i]) + narrow(b[i]) + narrow(c[i]) + narrow(d[i])
            for i in range(width):
                p, q = wide(narrow(a[i])), wide(narrow(b[i]))
                r, s = wide(narrow(c[i])), wide(narrow(d[i]))
                squares[i] += p * p + q * q + r * r + s * s
            f += 4
        while f < frames:
            row = rows[f, start : start + width]
            for i in range(width):
                value = narrow(row[i])
                sums[i] += value
                squares[i] += wide(value) * wide(value)
            f += 1
        for i in range(width):
            out[i] += sums[i]
            out_squares[i] += squares[i]


@kernel
def _add_halves(
    rows: NDArray[Any], total: NDArray[Any], low: NDArray[Any], high: NDArray[Any]
) -> None:
    frames, pixels = rows.shape
    half = np.uint64(0xFFFFFFFF)
    for start in range(0, pixels, _BLOCK):
        out = total[start : start + _BLOCK]
        out_low = low[start : start + _BLOCK]
        out_high = high[start : start + _BLOCK]
        width = out.size
        for f in range(frames):
            row = rows[f, start : start + width]
            for i in range(width):
                value = np.int64(row[i])
                square = np.uint64(value) * np.uint64(value)
                out[i] += value
                out_low[i] += square & half
                out_high[i] += square >> np.uint64(32)


@kernel
def _deviations(
    rows: NDArray[Any], mean: NDArray[Any], sums: NDArray[Any], squares: NDArray[Any]
) -> None:
    frames, pixels = rows.shape
    for start in range(0, pixels, mean.size):
        s = sums[start : start + mean.size]
        v = squares[start : start + mean.size]
        width = s.size
        s[:] = 0
        v[:] = 0
        for f in range(frames):
            row = rows[f, start : start + width]
            for i in range(width):
                s[i] += row[i]
        for i in range(width):
            mean[i] = s[i] / frames
        for f in range(frames):
            row = rows[f, start : start + width]
            for i in range(width):
                d = np.float64(row[i]) - mean[i]
                v[i] += d * d


def add_exactly(tile: NDArray[Any], total: NDArray[Any], *squares: NDArray[Any]) -> None:
    """Add every frame of a tile, and the square of every pixel, to running totals.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        Frames of a dtype for which `words_for` is not 0.
    total : ndarray of int64, shape sig, C-contiguous
        Changed in place.
    *squares : ndarray of uint64, shape sig, C-contiguous
        As many as `words_for` says, changed in place. One: sums of squares. Two: sums of the lower
        32 bits of squares, and of the upper ones. They hold 2**32 frames of any values.

    Raises
    ------
    ValueError
        If the dtype or the number of pixels does not fit.
    """
    rows = as_rows(tile)
    if rows.dtype == np.bool_:
        rows = rows.view(np.uint8)
    words = words_for(rows.dtype)
    if not words or len(squares) != words:
        message = f"squares of {rows.dtype} take {words} words, not {len(squares)} (0: inexact)"
        raise ValueError(message)
    out = _flat(total, rows)
    if words == 2:
        _add_halves(rows, out, _flat(squares[0], rows), _flat(squares[1], rows))
        return
    out_squares = _flat(squares[0], rows)
    narrow, wide = _PARTIAL[rows.dtype.str[1:]]
    partial, partial_squares = np.empty(_BLOCK, narrow), np.empty(_BLOCK, wide)
    for first in range(0, len(rows), _FRAMES_PER_PARTIAL):
        part = rows[first : first + _FRAMES_PER_PARTIAL]
        _add_exactly(part, partial, partial_squares, out, out_squares)


def deviations(tile: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sum, and sum of squared distances from the mean, of a tile's frames.

    Parameters
    ----------
    tile : ndarray, shape (n,) + sig
        At least one frame.

    Returns
    -------
    sum : ndarray of float64, or of complex128 for complex frames, shape sig
    varsum : ndarray of float64, shape sig
        n times the population variance.
    """
    sig = tile.shape[1:]
    rows = as_rows(tile)
    if is_supported(rows.dtype):
        sums, squares = np.empty((2, rows.shape[1]), np.float64)
        _deviations(rows, np.empty(_BLOCK, np.float64), sums, squares)
        return sums.reshape(sig), squares.reshape(sig)
    wide = np.complex128 if rows.dtype.kind == "c" else np.float64
    total = rows.sum(axis=0, dtype=wide)
    distance = rows - total / len(rows)
    varsum = (distance.real**2 + distance.imag**2).sum(axis=0)
    return total.reshape(sig), varsum.astype(np.float64).reshape(sig)


def exact_varsum(frames: int, total: NDArray[Any], *squares: NDArray[Any]) -> NDArray[np.float64]:
    """The population variance times n, from integer sums.

    Parameters
    ----------
    frames : int
        n, at least 1 and below 2**32, or 2**31 for pixels of 32 bit.
    total : ndarray of int64, shape sig
        Sums over the frames.
    *squares : ndarray of uint64, shape sig
        Sums of squares, one or two words, as `add_exactly` gives them.

    Returns
    -------
    ndarray of float64, shape sig
        Rounded only here, hence the same for all cuts.

    Notes
    -----
    With total = q n + r, 0 <= r < n, ``squares - total**2 / n`` is
    ``squares - q (total + r) - r**2 / n``. For one word all parts fit 64 bit, for two they are
    kept in steps of 2**32 and 1. Differences that are not negative may wrap around on the way.
    """
    n = np.uint64(frames)
    whole = np.abs(total).astype(np.uint64)  # squared below: its sign does not matter
    quotient, rest = np.divmod(whole, n)
    quotient_of_rest, last = np.divmod(rest * rest, n)
    fraction = last / np.float64(frames)
    if len(squares) == 1:
        left = squares[0] - quotient * (whole + rest) - quotient_of_rest
        return np.asarray(left.astype(np.float64) - fraction)
    other = whole + rest
    product = quotient * (other & _HALF)
    low = (squares[0] & _HALF) - (product & _HALF)
    low = (low - quotient_of_rest).view(np.int64)  # of less than 2**34 either way
    high = squares[1] + (squares[0] >> np.uint64(32)) - quotient * (other >> np.uint64(32))
    high = high - (product >> np.uint64(32)) + (low >> np.int64(32)).view(np.uint64)
    low &= np.int64(_HALF)
    return np.asarray(high.astype(np.float64) * 2.0**32 + (low - fraction))


def join(
    counts: tuple[int, int],
    sums: tuple[NDArray[Any], NDArray[Any]],
    varsums: tuple[NDArray[Any], NDArray[Any]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sum and n times variance of two groups of frames together.

    Parameters
    ----------
    counts : tuple of int
        Frames in each group; may be 0.
    sums, varsums : tuple of ndarray
        Of each group.

    Returns
    -------
    sum, varsum : ndarray
    """
    n0, n1 = counts
    if n0 == 0 or n1 == 0:
        i = int(n0 == 0)
        return sums[i], varsums[i]
    delta = sums[1] / n1 - sums[0] / n0
    # |.| for complex pixels, whose variance is real
    return sums[0] + sums[1], varsums[0] + varsums[1] + np.abs(delta) ** 2 * (n0 * n1 / (n0 + n1))


def warm(dtype: np.dtype[Any]) -> None:
    """Compile, or load from the cache, what tiles of ``dtype`` need."""
    tile = np.zeros((1, 1), dtype)
    if words := words_for(dtype):
        add_exactly(tile, np.zeros(1, np.int64), *np.zeros((words, 1), np.uint64))
    else:
        deviations(tile)


def _flat(total: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    flat = total.view()
    flat.shape = (total.size,)  # raises where reshape() would silently copy
    if flat.size != rows.shape[1]:
        message = f"totals have {flat.size} pixels, the frames have {rows.shape[1]}"
        raise ValueError(message)
    return flat
