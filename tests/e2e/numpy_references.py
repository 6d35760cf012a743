"""What each shipped UDF should give, in plain numpy and as its formula is written in a book.

In chunks of frames and in float64, in which whole numbers below 2**53 are exact in whatever order
they are added up; nothing of the package's own takes part. What a formula gives is `Expected`:
values, the dtype the contract promises, and how far rounding may carry a result off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_CHUNK = 128


@dataclass(frozen=True)
class Scan:
    """Frames, which of them are selected, and the dtype this run's UDFs share."""

    data: Array
    roi: Array | None
    dtype: np.dtype[Any]

    @property
    def nav(self) -> tuple[int, int]:
        return self.data.shape[:2]

    @property
    def sig(self) -> tuple[int, int]:
        return self.data.shape[2:]

    @property
    def chosen(self) -> Array:
        """bool, shape nav."""
        return np.ones(self.nav, bool) if self.roi is None else self.roi

    @property
    def frames(self) -> Array:
        """The selected ones, shape (n,) + sig."""
        whole = self.data.reshape(-1, *self.sig)
        return whole if self.roi is None else whole[self.roi.reshape(-1)]

    @property
    def wide(self) -> np.dtype[Any]:
        return np.result_type(self.dtype, np.float32)

    def per_frame(self, of: Callable[[Array], Array], dtype: Any = np.float64) -> Array:
        """``of`` chunks of frames, one after another."""
        frames = self.frames
        parts = [of(frames[i : i + _CHUNK].astype(dtype)) for i in range(0, len(frames), _CHUNK)]
        return np.concatenate(parts)

    def products(self, masks: Array) -> Array:
        """Of each selected frame with each mask, shape (n, masks)."""
        flat = np.reshape(masks, (len(masks), -1))
        flat = flat.astype(np.result_type(flat, np.float64)).T
        return self.per_frame(lambda f: f.reshape(len(f), -1) @ flat)


@dataclass(frozen=True)
class Expected:
    """Values before they are rounded to ``dtype``; all valid unless ``valid`` says which."""

    values: Any
    dtype: Any
    off: Any = 0
    """By how much results may be off [their unit]; 0: equal to the last bit."""
    valid: Any = True


Table = dict[str, Expected]


def rounded(values: Array, dtype: Any, noise: float = 1e-12, valid: Any = True) -> Expected:
    """Computed in float64 like ours, but in other steps: ``noise``, and then one rounding."""
    scale = np.nanmax(np.abs(values), initial=0.0)
    return Expected(values, dtype, np.finfo(dtype).eps * np.abs(values) + noise * scale, valid)


def squares(sig: tuple[int, int], cy: float, cx: float) -> Array:
    y, x = np.meshgrid(np.arange(sig[0]) - cy, np.arange(sig[1]) - cx, indexing="ij")
    return y * y + x * x


def total(scan: Scan) -> Array:
    return scan.frames.sum(axis=0, dtype=np.int64)


def sum_(scan: Scan, **_: Any) -> Table:
    return {"intensity": Expected(total(scan), scan.dtype)}


def sumsig(scan: Scan) -> Table:
    return {"intensity": Expected(scan.per_frame(lambda f: f.sum(axis=(1, 2))), scan.wide)}


def logsum(scan: Scan) -> Table:
    def logs(f: Array) -> Array:
        return np.log1p(f - f.min(axis=(1, 2), keepdims=True)).sum(axis=0, keepdims=True)

    found = scan.per_frame(logs).sum(axis=0)
    # each logarithm is off by 2**-33 at most, the sum is rounded to float32
    off = 2.0**-33 * len(scan.frames) + np.finfo(np.float32).eps * found
    return {"logsum": Expected(found, np.float32, off)}


def _square_dtype(scan: Scan) -> Any:
    """Where the squares of a chunk of frames fit."""
    return np.uint64 if scan.data.dtype.itemsize <= 2 else object


def stddev(scan: Scan, dtype: Any = "float64") -> Table:
    n, s = len(scan.frames), total(scan)
    # Python's own whole numbers have any size, and are divided with one rounding
    squared = scan.per_frame(lambda f: (f * f).sum(axis=0, keepdims=True), _square_dtype(scan))
    numerator = n * squared.astype(object).sum(axis=0) - s.astype(object) ** 2
    varsum, var = (numerator / n).astype(np.float64), (numerator / n**2).astype(np.float64)
    base, sums = np.dtype(dtype), np.result_type(scan.dtype, dtype)
    # a part below one and the difference to it are rounded, too: a few times the last bit
    off = 1e-15 if base == np.float64 else 1.2e-7
    return {
        "num_frames": Expected([n], np.int64),
        "sum": Expected(s, sums),
        "mean": Expected(s / n, sums),
        "varsum": Expected(varsum, base, off * varsum),
        "var": Expected(var, base, off * var),
        "std": Expected(np.sqrt(var), base, off * np.sqrt(var)),
    }


def max_(scan: Scan, kind: str = "sig") -> Table:
    axis: Any = 0 if kind == "sig" else (1, 2)
    return {"intensity": Expected(scan.frames.max(axis=axis), scan.dtype)}


def signal_monitor(scan: Scan) -> Table:
    return {"intensity": Expected(scan.frames[-1], scan.dtype)}


def pick(scan: Scan) -> Table:
    return {"intensity": Expected(scan.frames, scan.dtype)}


def moved(frame: Array, dy: int, dx: int) -> Array:
    """What was at (y + dy, x + dx) is at (y, x), zero comes in from outside."""
    h, w = frame.shape
    y, x = np.arange(h) + dy, np.arange(w) + dx
    from_y, from_x = (y >= 0) & (y < h), (x >= 0) & (x < w)
    found = np.zeros_like(frame)
    found[np.ix_(from_y, from_x)] = frame[np.ix_(y[from_y], x[from_x])]
    return found


def shifts_of(scan: Scan, shifts: Any) -> list[tuple[int, int]]:
    each = np.broadcast_to(shifts, (*scan.nav, 2))[scan.chosen]
    return [(int(dy), int(dx)) for dy, dx in each]


def pick_shifted(scan: Scan, shifts: Any) -> Table:
    pairs = zip(scan.frames, shifts_of(scan, shifts), strict=True)
    return {"intensity": Expected(np.stack([moved(f, *s) for f, s in pairs]), scan.dtype)}
