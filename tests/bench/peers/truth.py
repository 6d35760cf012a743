"""What the results of every benchmark must be: plain numpy in float64, made once and kept on disk.

Run as ``python truth.py live H W POOL FRAMES FILE`` or ``python truth.py file DATASET FILE`` with
the harness on PYTHONPATH; `of_series` and `of_file` do that in a process of their own, so that
neither the time nor the memory of it is in a measurement.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Truth = dict[str, NDArray[Any]]

RELATIVE = {"mask1": 1e-5, "mask16": 1e-5, "com": 1e-5}
"""How far a result may be off: what float32 allows; else 1e-6, for results rounded once."""


class WrongResultError(Exception):
    """A benchmark whose result is wrong measures nothing."""


def check(name: str, found: ArrayLike, truth: Truth) -> None:
    """Hold one result against the truth, scan flattened.

    Raises
    ------
    WrongResultError
        If they differ by more than rounding.
    """
    expected = truth[name]
    values = np.asarray(found, np.float64).reshape(expected.shape)
    if not np.allclose(values, expected, rtol=RELATIVE.get(name, 1e-6), atol=1e-9):
        worst = np.nanmax(np.abs(values - expected))
        raise WrongResultError(f"{name}: off by up to {worst}, or not a number")


def of_frames(frames: NDArray[Any], n_masks: int = 16) -> Truth:
    """Every benchmark's result for frames of rows and columns."""
    from common import masks  # of the harness; only whoever computes needs it

    rows = frames.reshape(len(frames), -1)
    y, x = np.indices(frames.shape[1:], np.float64).reshape(2, -1)
    weights = {n: masks(n, frames.shape[1:]).reshape(n, -1) for n in (1, n_masks)}
    columns = np.concatenate([weights[1], weights[n_masks], y[None], x[None]]).T.astype(np.float64)
    total = np.zeros(rows.shape[1], np.uint64)
    squares = np.zeros(rows.shape[1], np.uint64)
    products = np.empty((len(rows), columns.shape[1]))
    sums = np.empty(len(rows))
    for first in range(0, len(rows), 128):
        some = slice(first, first + 128)
        wide = rows[some].astype(np.uint64)
        total += wide.sum(axis=0)
        squares += (wide * wide).sum(axis=0)
        sums[some] = wide.sum(axis=1)
        products[some] = rows[some].astype(np.float64) @ columns
    mean = total / len(rows)
    return {
        "sum": total.astype(np.float64),
        "var": squares / len(rows) - mean * mean,
        "sumsig": sums,
        "mask1": products[:, :1],
        "mask16": products[:, 1 : 1 + n_masks],
        "com": products[:, -2:] / sums[:, None],
    }


def repeated(pool: Truth, frames: int, pixels: NDArray[Any]) -> Truth:
    """The truth for a series that sends a pool of frames again and again."""
    rows = np.arange(frames) % len(pixels)
    counts = np.bincount(rows, minlength=len(pixels)).astype(np.float64)
    total = np.zeros(pixels[0].size)
    for frame, count in zip(pixels.reshape(len(pixels), -1), counts, strict=True):
        total += frame * count
    values = {name: pool[name][rows] for name in ("sumsig", "mask1", "mask16", "com")}
    return {"sum": total, **values}


def of_series(folder: Path, sig: tuple[int, int], pool: int, frames: int) -> Truth:
    """What a series of the harness's sender must give; kept in ``folder``."""
    path = folder / f"truth_live_{sig[0]}x{sig[1]}_{pool}_{frames}.npz"
    return _kept(path, ["live", *map(str, (*sig, pool, frames))])


def of_file(folder: Path, dataset: str) -> Truth:
    """What a file of the harness must give; kept in ``folder``."""
    return _kept(folder / f"truth_{dataset}.npz", ["file", dataset])


def _kept(path: Path, what: list[str]) -> Truth:
    if not path.exists():
        subprocess.run([sys.executable, __file__, *what, os.fspath(path)], check=True)
    with np.load(path) as kept:
        return dict(kept)


def _pixels(dataset: str) -> NDArray[Any]:
    from common import DATASETS, datadir

    # every file of a kind holds the same frames: raw ones can be mapped
    source = dataset if DATASETS[dataset][1] == "raw" else "big_raw"
    file, _, nav, sig = DATASETS[source]
    path = Path(datadir()) / file
    return np.memmap(path, np.uint16, "r", shape=(nav[0] * nav[1], *sig))


def main() -> None:
    """Compute one truth and write it, whole or not at all."""
    kind, *facts, target = sys.argv[1:]
    if kind == "live":
        from gen_data import make_frames

        height, width, size, frames = map(int, facts)
        pool = make_frames(0, min(size, frames), frames, (height, width))
        found = repeated(of_frames(pool), frames, pool)
    else:
        found = of_frames(_pixels(*facts))
    path = Path(target)
    part = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, **found)
    part.replace(path)


if __name__ == "__main__":
    main()
