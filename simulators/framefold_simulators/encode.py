"""Pixels -> the blobs that detectors send, made with the reference libraries, not with ours."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import hdf5plugin
import lz4.block
import numpy as np
from numpy.typing import NDArray

from framefold_simulators.medipix import packed

BLOCK_BYTES = 8192
"""What DECTRIS detectors use, in all captures we know."""

_BATCH_BYTES = 1 << 24  # frames given to HDF5 at a time
_names = itertools.count()


def encoded(
    frames: NDArray[Any], codec: str = "bslz4", block_bytes: int = BLOCK_BYTES
) -> Iterator[bytes]:
    """One blob for each frame.

    Parameters
    ----------
    frames : ndarray, shape (n, rows, columns)
        Pixels; sent little-endian where nothing else is said.
    codec : str
        ``raw``, ``lz4`` (one bare block), ``lz4-framed`` (HDF5 filter 32004), ``bslz4``
        (HDF5 filter 32008), ``big-endian``, or ``r64-BITS`` for packed frames of Medipix3 chips.
    block_bytes : int
        Uncompressed length of the blocks of ``lz4-framed`` and ``bslz4`` [bytes].

    Yields
    ------
    bytes
        The blob of the next frame.
    """
    frames = np.ascontiguousarray(frames, frames.dtype.newbyteorder("<"))
    if codec == "bslz4":
        yield from _bslz4(frames, block_bytes)
        return
    if codec.startswith("r64-"):
        yield from (packed(frame, int(codec.removeprefix("r64-"))) for frame in frames)
        return
    if codec == "big-endian":
        frames, codec = frames.astype(frames.dtype.newbyteorder(">")), "raw"
    encode = _ONE[codec]
    for frame in frames:
        yield encode(frame.tobytes(), block_bytes)


def _lz4_framed(data: bytes, block_bytes: int) -> bytes:
    """Big-endian total and block size, then each block behind its compressed length."""
    blocks = [struct.pack(">QI", len(data), block_bytes)]
    for start in range(0, len(data), block_bytes):
        block = data[start : start + block_bytes]
        packed = lz4.block.compress(block, store_size=False)
        if len(packed) >= len(block):
            packed = block  # stored: its length says so
        blocks += (struct.pack(">I", len(packed)), packed)
    return b"".join(blocks)


_ONE: dict[str, Callable[[bytes, int], bytes]] = {
    "raw": lambda data, _: data,
    "lz4": lambda data, _: lz4.block.compress(data, store_size=False),
    "lz4-framed": _lz4_framed,
}


def _bslz4(frames: NDArray[Any], block_bytes: int) -> Iterator[bytes]:
    """Let HDF5's Bitshuffle filter write chunks and take them as they lie in the file."""
    elements = block_bytes // frames.itemsize
    if block_bytes % (8 * frames.itemsize):
        raise ValueError(f"blocks of {block_bytes} bytes do not hold a multiple of 8 elements")
    batch = max(1, _BATCH_BYTES // max(1, frames[:1].nbytes))
    for first in range(0, len(frames), batch):
        part = frames[first : first + batch]
        # In memory, never written. HDF5 refuses two open files of one name, wherever they are.
        with h5py.File(f"blobs-{next(_names)}", "w", driver="core", backing_store=False) as file:
            chunks = file.create_dataset(
                "blobs",
                data=part,
                chunks=(1, *part.shape[1:]),
                compression=hdf5plugin.Bitshuffle(nelems=elements, cname="lz4"),
            )
            blobs = [bytes(chunks.id.read_direct_chunk((i, 0, 0))[1]) for i in range(len(part))]
        yield from blobs
