"""What large files and scans of millions of frames cost for each frame, beside small ones.

Run as ``python tests/bench/bench_large_files.py [--folder DIR]``; needs room for 2 GiB, the file
of 40 GB being sparse. CPU time, since machines are shared: of opening, of drawing all blocks, and
of a run in this process, for each frame.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framefold import Context, SumSigUDF, SumUDF
from framefold.core.reader import BlockPlan
from framefold.formats import FileDataSet, inspect_file

GIGABYTE = 10**9


@dataclass(frozen=True)
class Case:
    """A raw file of zeros.

    Parameters
    ----------
    name : str
    frames : int
    side : int
        Rows and columns of a frame of uint16.
    """

    name: str
    frames: int
    side: int

    @property
    def size(self) -> int:
        """Length of the file [bytes]."""
        return self.frames * self.side**2 * 2


CASES = (
    Case("small", 4096, 256),
    Case("40 GB, sparse", 40 * GIGABYTE // 131_072, 256),
    Case("65 thousand tiny", 65_536, 16),
    Case("4 million tiny", 4_000_000, 16),
)


MOST_BYTES = 2 << 30
"""Of a larger file only the last frames are run over: pages of zeros would crowd out others."""


def run_cost(ctx: Context, data_set: FileDataSet) -> float:
    """CPU time of a run, the least of three [us a frame]."""
    costs = []
    frames = min(data_set.frames, MOST_BYTES // data_set.acquisition.frame_bytes)
    selected = np.zeros(data_set.frames, bool)
    selected[-frames:] = True
    roi = None if frames == data_set.frames else selected
    for _ in range(4):  # the first one finds pages and compiles kernels
        began = time.process_time()
        ctx.run_udf(data_set, [SumUDF(), SumSigUDF()], roi=roi)
        costs.append(time.process_time() - began)
    return min(costs[1:]) / frames * 1e6


def main(folder: Path) -> None:
    """Print a line for each case."""
    print("case                 open [ms]  inspect [ms]  blocks [us/frame]  run [us/frame]")
    with Context.inline() as ctx:
        for case in CASES:
            path = folder / "frames.raw"
            with path.open("wb") as file:
                file.truncate(case.size)
            how = {"dtype": "u2", "sig_shape": (case.side, case.side)}
            began = time.perf_counter()
            data_set = ctx.load("auto", path=path, nav_shape=(case.frames,), **how)
            opened = time.perf_counter() - began
            began = time.perf_counter()
            inspect_file(path, **how)
            inspected = time.perf_counter() - began
            began = time.process_time()
            for _ in data_set.reader().blocks(BlockPlan(2)):
                pass
            drawn = (time.process_time() - began) / case.frames * 1e6
            run = f"{run_cost(ctx, data_set):.3f}"
            times = f"{opened * 1e3:9.1f} {inspected * 1e3:13.1f} {drawn:18.4f}"
            print(f"{case.name:<20} {times} {run:>15}")
            path.unlink()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"largest resident size, pages of files included: {peak // 1024} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        main(arguments.folder)
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
