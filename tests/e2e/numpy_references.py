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


def distance(sig: tuple[int, int], cy: float, cx: float) -> Array:
    y, x = np.meshgrid(np.arange(sig[0]) - cy, np.arange(sig[1]) - cx, indexing="ij")
    return np.hypot(y, x)


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
    off = 1e-15 if base == np.float64 else 1.2e-7
    return {
        "num_frames": Expected([n], np.int64),
        "sum": Expected(s, sums),
        "mean": Expected(s / n, sums),
        "varsum": Expected(varsum, base),
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


def masks(scan: Scan, stack: Array, shifts: Any = None, mask_dtype: Any = None) -> Table:
    """``stack``: the masks as an array, however the UDF was given them."""
    if mask_dtype is not None:
        stack = stack.astype(mask_dtype)
    if shifts is not None:
        pairs = zip(scan.frames, shifts_of(scan, shifts), strict=True)
        back = np.stack([moved(f, *s) for f, s in pairs])
        scan = Scan(back[np.newaxis], None, scan.dtype)
    found = scan.products(np.concatenate([stack, np.abs(stack)]))
    dtype = np.result_type(scan.dtype, stack.dtype)
    # floats are added up in the result's own precision over stretches of 2048 pixels
    off = 16 * np.finfo(dtype).eps * found[:, len(stack) :].real
    exact = stack.dtype.kind in "bui"
    return {"intensity": Expected(found[:, : len(stack)], dtype, 0 if exact else off)}


def virtual_detector(
    scan: Scan,
    shape: str = "disk",
    cy: float | None = None,
    cx: float | None = None,
    r: float | None = None,
    ri: float | None = None,
    ro: float | None = None,
    height: float | None = None,
    width: float | None = None,
) -> Table:
    h, w = scan.sig
    cy, cx = h // 2 if cy is None else cy, w // 2 if cx is None else cx
    half, square = min(h, w) / 2, squares(scan.sig, cy, cx)
    y, x = np.ogrid[:h, :w]
    if shape == "disk":
        inside = square <= (half if r is None else r) ** 2
    elif shape == "ring":
        outer = half if ro is None else ro
        inner = min(half, outer) / 2 if ri is None else ri
        inside = (square <= outer**2) & (square >= inner**2)
    elif shape == "rectangle":
        b, a = h / 2 if height is None else height, w / 2 if width is None else width
        inside = (-b / 2 <= y - cy) & (y - cy < b / 2) & (-a / 2 <= x - cx) & (x - cx < a / 2)
    else:
        inside = (y == np.ceil(cy - 0.5)) & (x == np.ceil(cx - 0.5))  # between two: the first
    return {"intensity": Expected(scan.products(inside[np.newaxis])[:, 0], scan.wide)}


def radial_profile(
    scan: Scan,
    cy: float | None = None,
    cx: float | None = None,
    n_bins: int | None = None,
    ro: float | None = None,
) -> Table:
    h, w = scan.sig
    away = distance(scan.sig, h // 2 if cy is None else cy, w // 2 if cx is None else cx)
    outer = away.max() if ro is None else ro
    count = int(outer) + 1 if n_bins is None else n_bins
    edges = np.arange(count + 1) * (1.0 if n_bins is None else outer) / (n_bins or 1)
    rings = [(away >= edges[k]) & (away < edges[k + 1]) & (away <= outer) for k in range(count)]
    rings[-1] |= (away <= outer) & (away >= edges[-1])
    pixels = np.array([ring.sum() for ring in rings])
    sums = scan.products(np.stack(rings))
    with np.errstate(invalid="ignore"):
        mean = sums / pixels
    off = np.finfo(scan.wide).eps * mean  # the rounded sum is divided
    return {
        "sum": Expected(sums, scan.wide),
        "mean": Expected(mean, scan.wide, off, np.broadcast_to(pixels > 0, mean.shape)),
        "pixels": Expected(pixels, np.int64),
        "radius": Expected(edges[:-1], np.float64),
    }


def fem(scan: Scan, center: tuple[float, float], rad_in: float, rad_out: float) -> Table:
    square = squares(scan.sig, *center)
    inside = (square > rad_in**2) & (square <= rad_out**2)

    def spread(f: Array) -> Array:
        ring = f[:, inside]
        mean = ring.sum(axis=1, keepdims=True) / inside.sum()
        return np.sqrt(((ring - mean) ** 2).sum(axis=1) / inside.sum())

    return {"intensity": rounded(scan.per_frame(spread), np.float32)}


def crystallinity(
    scan: Scan,
    rad_in: float,
    rad_out: float,
    real_center: tuple[float, float] | None = None,
    real_rad: float | None = None,
) -> Table:
    h, w = scan.sig
    seen = np.ones((h, w), bool)
    if real_center is not None and real_rad is not None:
        seen = squares(scan.sig, *real_center) > real_rad**2
    down = np.array([k if k < (h + 1) // 2 else k - h for k in range(h)])[:, np.newaxis]
    square = down**2 + np.arange(w // 2 + 1) ** 2
    inside = (square > rad_in**2) & (square <= rad_out**2)

    def strength(f: Array) -> Array:
        whole = np.fft.fft(np.fft.fft(f * seen, axis=2)[:, :, : w // 2 + 1], axis=1)
        return np.abs(whole[:, inside]).sum(axis=1)

    return {"intensity": rounded(scan.per_frame(strength), np.float32)}
