"""Encoders written for clarity: what the codecs must undo, from the formats' descriptions."""

from __future__ import annotations

from typing import Any

import lz4.block
import numpy as np
from numpy.typing import NDArray


def bit_planes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """bitshuffle's transpose of a multiple of eight pixels, in plain numpy."""
    items = np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.size, pixels.itemsize)
    bits = np.unpackbits(items, axis=1, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little").reshape(-1)


def lz4_block(data: bytes | NDArray[Any]) -> bytes:
    """One bare LZ4 block."""
    raw = data if isinstance(data, bytes) else data.tobytes()
    return bytes(lz4.block.compress(raw, store_size=False))


def header(total: int, block_bytes: int) -> bytes:
    return total.to_bytes(8, "big") + block_bytes.to_bytes(4, "big")


def bslz4(pixels: NDArray[Any], block_bytes: int = 8192) -> bytes:
    """HDF5 filter 32008 / SIMPLON ``bs16-lz4<``, blocks of any size."""
    flat = pixels.reshape(-1)
    per_block = block_bytes // flat.itemsize
    assert per_block % 8 == 0
    whole = flat.size // 8 * 8
    chunk = header(flat.nbytes, block_bytes)
    for first in range(0, whole, per_block):
        block = lz4_block(bit_planes(flat[first : min(first + per_block, whole)]))
        chunk += len(block).to_bytes(4, "big") + block
    return chunk + flat[whole:].tobytes()


def lz4_framed(pixels: NDArray[Any], block_bytes: int = 1 << 20) -> bytes:
    """HDF5 filter 32004 / SIMPLON stream v2 ``"lz4"``: blocks that do not shrink are stored."""
    raw = pixels.tobytes()
    chunk = header(len(raw), block_bytes)
    for first in range(0, len(raw), block_bytes):
        part = raw[first : first + block_bytes]
        block = lz4_block(part)
        block = part if len(block) >= len(part) else block
        chunk += len(block).to_bytes(4, "big") + block
    return chunk


def scene(kind: str, shape: tuple[int, ...], dtype: Any, seed: int = 0) -> NDArray[Any]:
    """Pixels as detectors send them, and as they never would."""
    rng = np.random.default_rng(seed)
    kept = np.dtype(dtype)
    size = int(np.prod(shape))
    if kind == "random":
        return np.frombuffer(rng.bytes(size * kept.itemsize), kept).reshape(shape)
    if kind == "constant":
        one = np.frombuffer(rng.bytes(kept.itemsize), kept)
        return np.repeat(one, size).reshape(shape)
    if kind == "zero":
        return np.zeros(shape, kept)
    mean = {"sparse": 0.05, "dense": 60.0}[kind]
    counts = rng.poisson(mean, size).astype(np.uint8 if kept.itemsize == 1 else np.uint16)
    if kept.kind in "uif":
        return counts.astype(kept).reshape(shape)
    wide = np.zeros((size, kept.itemsize), np.uint8)
    wide[:, : counts.itemsize] = counts.view(np.uint8).reshape(size, -1)
    return wide.reshape(-1).view(kept).reshape(shape)
