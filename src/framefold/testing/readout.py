"""Readout: every frame a data set hands out, and how often, for comparison with an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import Block
from framefold.core.reader import BlockPlan
from framefold.formats.dataset import RecordedDataSet


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """What was read.

    Parameters
    ----------
    frames : ndarray, shape (positions,) + sig_shape
        The frames by position; zero where none came.
    times : ndarray of int64, shape (positions,)
        How often each position came.
    """

    frames: NDArray[Any]
    times: NDArray[np.int64]


def read_out(
    data_set: RecordedDataSet,
    *,
    workers: int = 2,
    selection: NDArray[np.bool_] | None = None,
    rows_at_once: int = 5,
    shuffled: np.random.Generator | None = None,
) -> Readout:
    """Read a data set as a run would, block by block.

    Parameters
    ----------
    data_set : RecordedDataSet
        What to read.
    workers : int
        How many workers the blocks are cut for.
    selection : ndarray of bool, shape (positions,), or None
        Positions that are wanted.
    rows_at_once : int
        Frames that are asked for at a time.
    shuffled : numpy.random.Generator or None
        Take blocks in random order, and rows of a block in random portions.

    Raises
    ------
    AssertionError
        If a block breaks the rules of `framefold.core.block.Frames`.
    """
    acquisition = data_set.acquisition
    size, sig = acquisition.scan.size, acquisition.sig_shape
    found = Readout(np.zeros((size, *sig), acquisition.dtype), np.zeros(size, dtype=np.int64))
    reader = data_set.reader()
    blocks = list(reader.blocks(BlockPlan(workers, selection)))
    if shuffled is not None:
        blocks = [blocks[i] for i in shuffled.permutation(len(blocks))]
    for block in blocks:
        _read_block(block, found, rows_at_once, shuffled)
        reader.release(block)
    return found


def _read_block(
    block: Block, found: Readout, rows_at_once: int, shuffled: np.random.Generator | None
) -> None:
    with block.open() as opened:
        positions = opened.positions
        ascends = bool((np.diff(positions) > 0).all())
        assert ascends, f"positions of a block must ascend strictly; they are {positions}"
        for rows in _portions(len(positions), rows_at_once, shuffled):
            out = np.empty((len(rows) + 1, *found.frames.shape[1:]), found.frames.dtype)
            pixels = opened.read(rows, out)
            wanted = (len(rows), *found.frames.shape[1:])
            assert pixels.shape == wanted, f"read gave {pixels.shape} for {wanted}"
            assert pixels.dtype == out.dtype, f"read gave {pixels.dtype} for {out.dtype}"
            ours = np.shares_memory(pixels, out)
            assert ours or not pixels.flags.writeable, "memory of the block must be read-only"
            found.frames[positions[rows]] = pixels
            found.times[positions[rows]] += 1


def _portions(
    count: int, rows_at_once: int, shuffled: np.random.Generator | None
) -> list[NDArray[np.int64]]:
    """All rows of a block, a few at a time, each portion ascending."""
    rows = np.arange(count, dtype=np.int64)
    if shuffled is not None:
        rows = shuffled.permutation(rows)
    return [np.sort(rows[i : i + rows_at_once]) for i in range(0, count, rows_at_once)]
