"""Masks, regions, rings and frequencies of each frame, in plain numpy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from e2e.numpy_references import Array, Expected, Scan, Table, moved, rounded, shifts_of, squares


def distance(sig: tuple[int, int], cy: float, cx: float) -> Array:
    y, x = np.meshgrid(np.arange(sig[0]) - cy, np.arange(sig[1]) - cx, indexing="ij")
    return np.hypot(y, x)


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


def rings_by_angle(
    sig: tuple[int, int], cy: float, cx: float, ri: float, ro: float, n_bins: int, max_order: int
) -> Array:
    """Rings with edges one pixel soft, times exp(i order angle); orders of the first ring first."""
    y, x = np.meshgrid(np.arange(sig[0]) - cy, np.arange(sig[1]) - cx, indexing="ij")
    away, turn = np.hypot(y, x), (x + 1j * y) / np.maximum(np.hypot(y, x), 1e-9)
    edges = np.linspace(ri, ro, n_bins + 1)
    found = []
    for inner, outer in itertools.pairwise(edges):
        soft = np.clip(np.minimum(away - inner, outer - away) + 0.5, 0, 1)
        found += [soft * turn**order for order in range(max_order + 1)]
    return np.stack(found)


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
