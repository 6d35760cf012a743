"""EncodedFrames: 32 frames of 256x256 pixels, as they are and as a codec finds them.

What is decoded goes to a tile that stays in cache, as in a worker; what others decode goes to a
new bytes object for each frame, which is all they offer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dectris.compression
import numpy as np
from numpy.typing import NDArray

from encoders import bslz4, lz4_block, lz4_framed
from framefold.codecs import codec
from medipix_frames import packed

SIDE = 256
FRAMES = 32
TILE_BYTES = 1 << 19
ENCODERS: dict[str, Callable[[NDArray[Any]], bytes]] = {
    "bslz4": bslz4,
    "lz4": lz4_block,
    "lz4-framed": lz4_framed,
    "raw": lambda frame: frame.tobytes(),
    "r64-1": lambda frame: packed(frame & 1, 1),
    "r64-6": lambda frame: packed(frame, 6),
    "r64-12": lambda frame: packed(frame, 12),
}


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


@dataclass(eq=False)
class EncodedFrames:
    """Frames, encoded.

    Parameters
    ----------
    name : str
        Of the codec.
    pixels : ndarray, shape (n, h, w)
    """

    name: str
    pixels: NDArray[Any]

    def __post_init__(self) -> None:
        self.chunks = [ENCODERS[self.name](frame) for frame in self.pixels]
        self._lengths = np.array([len(chunk) for chunk in self.chunks])
        self._offsets = np.cumsum(self._lengths) - self._lengths
        self._source = np.frombuffer(b"".join(self.chunks), np.uint8)
        depth = max(TILE_BYTES // self.pixels[0].nbytes, 1)
        self.tile = np.empty((depth, *self.pixels.shape[1:]), self.pixels.dtype)
        self._codec = codec(self.name)

    @property
    def ratio(self) -> float:
        """How much smaller they are encoded."""
        return float(self.pixels.nbytes / self._lengths.sum())

    def decode(self) -> NDArray[Any]:
        """All of them, a tile at a time; the last tile."""
        for first in range(0, len(self.pixels), len(self.tile)):
            rows = slice(first, first + len(self.tile))
            status = self._codec.decode(
                self._source, self._offsets[rows], self._lengths[rows], self.tile
            )
            assert not status.any()
        return self.tile

    def decode_theirs(self) -> NDArray[Any]:
        """All of them by dectris-compression; what `decode` gives."""
        size = self.pixels.itemsize
        found = [
            dectris.compression.decompress(chunk, "bslz4", elem_size=size) for chunk in self.chunks
        ]
        last = b"".join(found[-len(self.tile) :])
        return np.frombuffer(last, self.pixels.dtype).reshape(self.tile.shape)
