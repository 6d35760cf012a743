"""Print GB/s of every reduction kernel beside numpy's, measured in the same run.

Run ``python tests/bench/bench_kernels.py [dtype ...]``; about five seconds a dtype. The tile of
32 frames of 256x256 stays in the second-level cache, as the tiles of a run do.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from framefold.kernels.masks import PackedMasks
from framefold.kernels.moments import RegionMoments
from framefold.kernels.rows import accumulator_dtype
from framefold.kernels.sums import add_frames, frame_sums

FRAMES, HEIGHT, WIDTH = 32, 256, 256


def rate(work: Callable[[], Any], n_bytes: int, *, seconds: float = 0.2) -> float:
    """The best rate of several repetitions [GB/s]."""
    work()
    best = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return n_bytes / best / 1e9


def compare(dtype: np.dtype[Any]) -> None:
    """One line a kernel for frames of ``dtype``."""
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 100, (FRAMES, HEIGHT, WIDTH)).astype(dtype)
    rows = tile.reshape(FRAMES, -1)
    wide = accumulator_dtype(dtype)
    total = np.zeros((HEIGHT, WIDTH), wide)
    y, x = np.indices((HEIGHT, WIDTH))
    disk = (y - 128) ** 2 + (x - 120) ** 2 <= 50**2
    moments = np.stack([np.ones_like(y), y, x]).reshape(3, -1).astype(np.float32)
    region = RegionMoments(np.ones_like(disk), dtype)
    within = RegionMoments(disk, dtype)
    detector = PackedMasks(disk[None], dtype)
    flat_disk = disk.ravel()

    def masked(weights: np.ndarray) -> Callable[[], Any]:
        return lambda: rows.astype(np.float32) @ weights.T

    lines: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        ("sum over frames", lambda: add_frames(tile, total), lambda: tile.sum(axis=0, dtype=wide)),
        ("sum of each frame", lambda: frame_sums(tile), lambda: rows.sum(axis=1, dtype=wide)),
        (
            "disk",
            lambda: detector.apply(tile),
            lambda: rows[:, flat_disk].sum(axis=1, dtype=wide),
        ),
        ("centre of mass", lambda: region.apply(tile), masked(moments)),
        ("centre of mass in a disk", lambda: within.apply(tile), masked(moments * flat_disk)),
    ]
    for count in (1, 3, 16):
        weights = rng.random((count, HEIGHT * WIDTH), np.float32)
        packed = PackedMasks(weights, dtype)
        lines.append(
            (f"{count} float32 masks", lambda packed=packed: packed.apply(tile), masked(weights))
        )
    for name, ours, numpys in lines:
        print(
            f"{dtype.name:8} {name:26} {rate(ours, tile.nbytes):7.1f} GB/s   "
            f"numpy {rate(numpys, tile.nbytes):6.1f} GB/s"
        )


if __name__ == "__main__":
    for name in sys.argv[1:] or ["uint16"]:
        compare(np.dtype(name))
