"""GB/s of decoded pixels, one thread, ours against dectris-compression: python bench_codecs.py.

Each decodes the same 32 frames of 256x256 pixels again and again, in turns, so that both see the
same machine; the best time counts. Ours go to a tile that stays in cache, as in a worker; theirs
to a new bytes object for each frame.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dectris.compression
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from encoders import bslz4
from framefold.codecs import codec, warm

SIDE = 256
FRAMES = 32
TILE_BYTES = 1 << 19


def frames(kind: str, dtype: str) -> NDArray[Any]:
    """Diffraction patterns: a bright disk on little (sparse), much light everywhere, or noise."""
    rng = np.random.default_rng(0)
    shape = (FRAMES, SIDE, SIDE)
    if kind == "random":
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    radius = np.hypot(y, x)
    ring = 0.5 * np.exp(-(((radius - 0.55) / 0.05) ** 2))
    sparse, dense = 0.05 + 12 * (radius < 0.22) + ring, 300 + 200 * (radius < 0.4)
    return rng.poisson(sparse if kind == "sparse" else dense, shape).astype(dtype)


def best_rates(
    calls: dict[str, Callable[[], object]], size_bytes: int, seconds: float
) -> dict[str, float]:
    """The best rate of each call [GB/s], taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: size_bytes / taken / 1e9 for name, taken in best.items()}


def compare(pixels: NDArray[Any], seconds: float) -> tuple[float, dict[str, float]]:
    """How much smaller the frames are encoded, and both rates."""
    ours = codec("bslz4")
    chunks = [bslz4(frame) for frame in pixels]
    lengths = np.array([len(chunk) for chunk in chunks])
    source = np.frombuffer(b"".join(chunks), np.uint8)
    offsets = np.cumsum(lengths) - lengths
    tile = np.empty((max(TILE_BYTES // pixels[0].nbytes, 1), *pixels.shape[1:]), pixels.dtype)
    starts = range(0, len(pixels), len(tile))

    def decode_tiles() -> None:
        for first in starts:
            rows = slice(first, first + len(tile))
            assert not ours.decode(source, offsets[rows], lengths[rows], tile).any()

    def decode_theirs() -> None:
        for chunk in chunks:
            dectris.compression.decompress(chunk, "bslz4", elem_size=pixels.itemsize)

    decode_tiles()
    assert (tile == pixels[-len(tile) :]).all()
    rates = best_rates({"ours": decode_tiles, "theirs": decode_theirs}, pixels.nbytes, seconds)
    return pixels.nbytes / lengths.sum(), rates


def main(seconds: float = 0.3) -> None:
    warm()
    print(f"{'':22}{'ratio':>7}{'framefold':>11}{'dectris':>9}  [GB/s]")
    for dtype in ("uint8", "uint16", "uint32"):
        for kind in ("sparse", "dense", "random"):
            ratio, rates = compare(frames(kind, dtype), seconds)
            name = f"{kind} {dtype}"
            print(f"{name:22}{ratio:7.2f}{rates['ours']:11.2f}{rates['theirs']:9.2f}")


if __name__ == "__main__":
    main()
