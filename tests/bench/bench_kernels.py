"""Every reduction kernel beside numpy's way and beside the limit of the machine, by pixel type.

One tile of 32 frames of 256x256 pixels, which stays in the second-level cache for 8 and 16 bit,
as the tiles of a run do. Limits: reading every byte once, copying it once, or OpenBLAS on frames
that are float32 already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rates import Case, copying, reading

from framefold.kernels.blanking import blank_tile
from framefold.kernels.corrections import correct_tile
from framefold.kernels.masks import PackedMasks
from framefold.kernels.moments import RegionMoments
from framefold.kernels.rings import ring_sums
from framefold.kernels.rows import accumulator_dtype
from framefold.kernels.sparse_masks import SparseMasks
from framefold.kernels.sums import add_frames, frame_sums
from framefold.kernels.variances import add_exactly, deviations, words_for

FRAMES, HEIGHT, WIDTH = 32, 256, 256
PIXELS = HEIGHT * WIDTH
DTYPES = ("uint8", "uint16", "uint32", "float32")
MASKS = (1, 3, 16, 64)

Y, X = np.indices((HEIGHT, WIDTH))
RADIUS = np.hypot(Y - 128, X - 120)
DISK = RADIUS <= 50


@cache
def tile(dtype: str) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 100, (FRAMES, HEIGHT, WIDTH)).astype(dtype)


@cache
def weights(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(7).random((count, PIXELS), np.float32)


def blas(rows: NDArray[Any], masks: NDArray[Any]) -> Callable[[], Any]:
    """The product alone, of frames that somebody has converted."""
    floats, columns = rows.astype(np.float32), np.ascontiguousarray(masks.T, np.float32)
    return lambda: floats @ columns


def sums(dtype: str) -> Iterator[Case]:
    frames, wide = tile(dtype), accumulator_dtype(np.dtype(dtype))
    rows, total = frames.reshape(FRAMES, -1), np.zeros((HEIGHT, WIDTH), wide)

    def added() -> NDArray[Any]:
        total[...] = 0
        add_frames(frames, total)
        return total

    near = 1e-6 if dtype == "float32" else 0.0
    read = {"read": reading(frames)}
    yield Case(
        f"sum over frames, {dtype}",
        frames.nbytes / 1e9,
        {"ours": added, "numpy": lambda: frames.sum(axis=0, dtype=wide), **read},
        relative=near,
        limit="read",
    )
    yield Case(
        f"sum of each frame, {dtype}",
        frames.nbytes / 1e9,
        {"ours": lambda: frame_sums(frames), "numpy": lambda: rows.sum(axis=1, dtype=wide), **read},
        relative=near,
        limit="read",
    )


def spreads(dtype: str) -> Iterator[Case]:
    frames = tile(dtype)
    rows = frames.reshape(FRAMES, -1)
    words = words_for(frames.dtype)
    total = np.zeros((HEIGHT, WIDTH), np.int64)
    squares = [np.zeros((HEIGHT, WIDTH), np.uint64) for _ in range(words)]

    def ours() -> NDArray[Any]:
        if not words:
            return deviations(frames)[1]
        for buffer in (total, *squares):
            buffer[...] = 0
        add_exactly(frames, total, *squares)
        lower = squares[0].astype(np.float64)
        upper = squares[1].astype(np.float64) * 2.0**32 if words == 2 else 0.0
        return lower + upper - total.astype(np.float64) ** 2 / FRAMES

    yield Case(
        f"variance, {dtype}",
        frames.nbytes / 1e9,
        {
            "ours": ours,
            "numpy": lambda: FRAMES * rows.var(axis=0, dtype=np.float64).reshape(HEIGHT, WIDTH),
            "read": reading(frames),
        },
        relative=1e-9,
        limit="read",
    )


def masks(dtype: str) -> Iterator[Case]:
    frames = tile(dtype)
    rows = frames.reshape(FRAMES, -1)
    for count in MASKS:
        packed = PackedMasks(weights(count), frames.dtype)
        yield Case(
            f"{count} float32 masks, {dtype}",
            frames.nbytes / 1e9,
            {
                "ours": lambda packed=packed: packed.apply(frames),
                "numpy": lambda count=count: rows.astype(np.float32) @ weights(count).T,
                "BLAS": blas(rows, weights(count)),
            },
            relative=1e-4,
            limit="BLAS",
        )
    disk = PackedMasks(DISK[None], frames.dtype)
    inside = DISK.ravel()
    wide = accumulator_dtype(frames.dtype)
    yield Case(
        f"a disk, {dtype}",
        frames.nbytes / 1e9,
        {
            "ours": lambda: disk.apply(frames),
            "numpy": lambda: rows[:, inside].sum(axis=1, dtype=wide)[:, None],
            "read": reading(frames),
        },
        relative=1e-5 if dtype == "float32" else 0.0,
        limit="read",
    )
    rng = np.random.default_rng(3)
    pixel = np.sort(rng.choice(PIXELS, (16, PIXELS // 100)), axis=1)
    weight = rng.random(pixel.shape, np.float32)
    bounds = np.arange(17) * pixel.shape[1]
    sparse = SparseMasks(pixel.ravel(), weight.ravel(), bounds, PIXELS, frames.dtype)
    yield Case(
        f"16 masks of 1 %, {dtype}",
        frames.nbytes / 1e9,
        {
            "ours": lambda: sparse.apply(frames),
            "numpy": lambda: np.einsum("fmp,mp->fm", rows[:, pixel], weight, dtype=np.float64),
        },
        relative=1e-5,
    )


def moments(dtype: str) -> Iterator[Case]:
    frames = tile(dtype)
    rows = frames.reshape(FRAMES, -1)
    for name, region in (("all", np.ones_like(DISK)), ("in a disk", DISK)):
        ours = RegionMoments(region, frames.dtype)
        stack = (np.stack([np.ones_like(Y), Y, X]) * region).reshape(3, -1).astype(np.float32)
        yield Case(
            f"centre of mass, {name}, {dtype}",
            frames.nbytes / 1e9,
            {
                "ours": lambda ours=ours: ours.apply(frames),
                "numpy": lambda stack=stack: rows.astype(np.float64) @ stack.T.astype(np.float64),
                "BLAS": blas(rows, stack),
                "read": reading(frames),
            },
            relative=1e-9,
            limit="read",
        )
    rings = np.minimum(RADIUS, 100).astype(np.int32)

    def by_bincount() -> NDArray[Any]:
        flat = rings.ravel()
        return np.stack([np.bincount(flat, row, 101)[:100] for row in rows])

    yield Case(
        f"100 rings, {dtype}",
        frames.nbytes / 1e9,
        {"ours": lambda: ring_sums(frames, rings, 100), "numpy": by_bincount},
        relative=1e-9,
    )


def repairs(dtype: str) -> Iterator[Case]:
    frames = tile(dtype)
    rows = frames.reshape(FRAMES, -1)
    dark, gain = (np.random.default_rng(n).random(PIXELS).astype(np.float32) for n in (1, 2))
    out = np.empty(frames.shape, np.float32)

    def corrected() -> NDArray[Any]:
        correct_tile(frames, dark, gain, None, out)
        return out

    yield Case(
        f"dark and gain, {dtype}",
        frames.nbytes / 1e9,
        {
            "ours": corrected,
            "numpy": lambda: ((rows.astype(np.float32) - dark) * gain).reshape(frames.shape),
            "copy as float32": lambda: np.copyto(out, frames, casting="unsafe"),
        },
        relative=1e-4,
        limit="copy as float32",
    )
    if frames.dtype.kind != "u":
        return
    sentinel = int(np.iinfo(dtype).max)
    masked = frames.copy()
    masked[:, 100, :] = sentinel
    clean = masked.copy()

    def blanked() -> NDArray[Any]:
        clean[:, 100, :] = sentinel
        blank_tile(clean, sentinel, None)
        return clean

    yield Case(
        f"masked pixels to 0, {dtype}",
        frames.nbytes / 1e9,
        {
            "ours": blanked,
            "numpy": lambda: np.where(masked == sentinel, masked.dtype.type(0), masked),
            "copy": copying(masked),
        },
        limit="copy",
    )


MAKERS = (sums, spreads, masks, moments, repairs)
CASES = [case for dtype in DTYPES for maker in MAKERS for case in maker(dtype)]


@pytest.mark.parametrize(
    ("case", "way"),
    [(case, way) for case in CASES for way in case.ways],
    ids=[f"{case.name}: {way}" for case in CASES for way in case.ways],
)
def test_kernel(case, way, benchmark, rates):
    if way == "ours":
        case.verify()
    benchmark.group = case.name
    benchmark(case.ways[way])
    rates.note(case, way, benchmark.stats.stats.min)
