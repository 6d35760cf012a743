"""What a frame costs as work grows: more frames, larger frames, more UDFs; and the memory of it.

    python tests/bench/growth.py [frames] [pixels] [udfs]

CPU of the main process and all workers, by the kernel's books, so that what else the machine does
hardly shows. Files are made on the spot: uncompressed ones are holes (frames of zeros, as dear as
others for sums), compressed ones hold 64 frames of a scene again and again. Results are held
against numpy's. A column that is not flat (frames, pixels), or not below the sum (UDFs), is marked.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from framefold import ApplyMasksUDF, CoMUDF, Context, SumSigUDF, SumUDF
from framefold.analyses.max import MaxUDF
from framefold.analyses.stddev import StdDevUDF
from framefold_simulators.encode import encoded
from framefold_simulators.scene import Scene

WORKERS = 2
SAMPLES = 3
FRAME_COUNTS = (1 << 10, 1 << 14, 1 << 18, 1 << 20, 1 << 22)
SIDES = (32, 64, 128, 256, 512, 1024, 2048, 4096)
TOTAL_BYTES = 1 << 29
FEWEST = 128
"""Frames at least: a scan of a few frames is cut into partitions of one or two, and what each
partition costs beside its frames, which grows with the detector, is then all there is to see."""
UDF_COUNTS = (1, 2, 4, 8, 16)
SLACK = 1.25
"""How much dearer than the cheapest larger work may be and still count as flat."""


def cpu_s(pids: tuple[int, ...]) -> float:
    """Of this process with all it has done, and of workers, which have one thread each [s]."""
    total = time.process_time()
    for pid in pids:
        total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return total


def memory_mib(pid: int | str) -> float:
    """Memory of its own and shared memory it has touched [MiB]; pages of files do not count."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return sum(int(facts[name].split()[0]) for name in ("RssAnon", "RssShmem")) / 1024


def measured(ctx: Context, data: Any, udfs: Callable[[], list[Any]], check: Any) -> float:
    """CPU of one run [s]: the median of a few, and more of them where runs are short."""
    pids = ctx.pool.pids()
    ctx.run_udf(data, udfs())  # masks, page cache, first touch of arenas
    spent: list[float] = []
    while len(spent) < SAMPLES or (sum(spent) < 0.2 and len(spent) < 50):
        before = cpu_s(pids)
        results = ctx.run_udf(data, udfs())
        spent.append(cpu_s(pids) - before)
        check(results)
    return statistics.median(spent)


def row(ctx: Context, name: str, *values: float, mark: str = "") -> None:
    """One line of a table, with the memory that each process has by now."""
    worker = max(memory_mib(pid) for pid in ctx.pool.pids())
    cells = " | ".join(f"{value:.4g}" for value in values)
    print(f"| {name} | {cells} | {memory_mib('self'):.0f} | {worker:.0f} | {mark} |", flush=True)


def hole(path: Path, frames: int, side: int, dtype: str) -> None:
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(frames * side * side * np.dtype(dtype).itemsize)


def zero(results: Any) -> None:
    """Sums of frames of zeros."""
    for one in results:
        for buffer in one.values():
            assert not np.any(buffer.data)


def by_frames(ctx: Context, folder: Path) -> None:
    """From a thousand to millions of frames of 32x32 uint8; one value each, and one image."""
    print("\n| frames of 32x32 uint8 | CPU us a frame | main MiB | worker MiB | |")
    print("| --- | --- | --- | --- | --- |")
    cheapest = float("inf")
    for count in FRAME_COUNTS:
        path = folder / "frames.raw"
        hole(path, count, 32, "uint8")
        side = int(count**0.5)
        data = ctx.load("raw", path, dtype="uint8", nav_shape=(side, side), sig_shape=(32, 32))
        each = measured(ctx, data, lambda: [SumSigUDF(), SumUDF()], zero) / count * 1e6
        mark = "not flat" if each > SLACK * cheapest else ""
        cheapest = min(cheapest, each)
        row(ctx, str(count), each, mark=mark)
        path.unlink()


def by_pixels(ctx: Context, folder: Path) -> None:
    """Small frames and large ones, of uint16; files of half a GiB at least."""
    print("\n| frames of uint16 | CPU ps a byte | main MiB | worker MiB | |")
    print("| --- | --- | --- | --- | --- |")
    path = folder / "pixels.raw"
    cheapest = float("inf")
    for side in SIDES:
        count = max(TOTAL_BYTES // (2 * side * side), FEWEST)
        nbytes = count * 2 * side * side
        hole(path, count, side, "uint16")
        data = ctx.load("raw", path, dtype="uint16", nav_shape=(1, count), sig_shape=(side, side))
        each = measured(ctx, data, lambda: [SumSigUDF(), SumUDF()], zero) / nbytes * 1e12
        mark = "not flat" if each > SLACK * cheapest else ""
        cheapest = min(cheapest, each)
        row(ctx, f"{side}x{side}, {count} frames", each, mark=mark)
    path.unlink()


def compressed(path: Path, count: int, side: int) -> np.ndarray[Any, Any]:
    """A scan of bslz4 chunks; its distinct frames."""
    frames = Scene((8, 8), (side, side), np.dtype(np.uint16)).frames(0, 64)
    blobs = list(encoded(frames))
    with h5py.File(path, "w") as file:
        made = file.create_dataset(
            "data",
            (count // 64, 64, side, side),
            np.uint16,
            chunks=(1, 1, side, side),
            **hdf5plugin.Bitshuffle(cname="lz4"),
        )
        for number in range(count):
            made.id.write_direct_chunk((*divmod(number, 64), 0, 0), blobs[number % 64])
    return frames


class Masks:
    """Dense masks, made in the worker."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed

    def __call__(self) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(self._seed)
        return rng.random((self._count, 256, 256), dtype=np.float32)


def many(count: int) -> list[Any]:
    """UDFs as one has them: five kinds, with other masks and centres each time."""
    found: list[Any] = []
    for number in range((count + 4) // 5):
        found += [
            SumSigUDF(),
            ApplyMasksUDF(Masks(2, number), mask_count=2, mask_dtype=np.float32),
            CoMUDF.with_params(cy=100 + number, cx=128, r=40),
            StdDevUDF(),
            MaxUDF(),
        ]
    return found[:count]


def by_udfs(ctx: Context, folder: Path) -> None:
    """One to sixteen UDFs over compressed frames: decoding is shared, the rest is not."""
    count = 2048
    path = folder / "compressed.h5"
    frames = compressed(path, count, 256)
    expected = np.tile(frames.reshape(64, -1).sum(axis=1, dtype=np.float64), count // 64)
    data = ctx.load("hdf5", path, ds_path="data")

    def check(results: Any) -> None:
        np.testing.assert_allclose(np.asarray(results[0]["intensity"].data).ravel(), expected)

    alone = [
        measured(ctx, data, lambda n=n: [SumSigUDF(), many(5)[n]], check) / count * 1e6
        for n in range(5)
    ]
    first = measured(ctx, data, lambda: many(1), check) / count * 1e6
    print(
        "\n| UDFs on 256x256 bslz4 | CPU us a frame | sum of each alone | main MiB | worker MiB | |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for number in UDF_COUNTS:
        each = measured(ctx, data, lambda number=number: many(number), check) / count * 1e6
        # one alone is what it takes beside the first, and decoding once more
        apart = first + sum(alone[n % 5] for n in range(1, number))
        mark = "not below" if number > 1 and each >= apart else ""
        row(ctx, str(number), each, apart, mark=mark)


PARTS: dict[str, Callable[[Context, Path], None]] = {
    "frames": by_frames,
    "pixels": by_pixels,
    "udfs": by_udfs,
}


def chosen(names: list[str]) -> Iterator[Callable[[Context, Path], None]]:
    """The parts of these names, all for none."""
    for name in names or PARTS:
        if name not in PARTS:
            raise SystemExit(f"{name}: give some of {', '.join(PARTS)}")
        yield PARTS[name]


def main() -> None:
    """Print a table for each way of growing."""
    parts = list(chosen(sys.argv[1:]))
    with tempfile.TemporaryDirectory() as folder, Context(workers=WORKERS) as ctx:
        for part in parts:
            part(ctx, Path(folder))


if __name__ == "__main__":
    main()
