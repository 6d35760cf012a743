"""h5py's bare read of the compressed file, in 2 processes: the harness's loop without any work.

Runs in the interpreter of the plain loops, with the harness on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import plain_loops  # noqa: E402 - one thread a process, before numpy loads
from common import DATASETS, busy, cpu_delta, datadir, emit, foreign, tree_cpu  # noqa: E402

PROCESSES = 2


def main() -> None:
    """Read it a few times and note how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", default="-")
    arguments = parser.parse_args()
    file, _, nav, sig = DATASETS["big_h5_bslz4"]
    path = os.path.join(datadir(), file)
    frames, pixels = nav[0] * nav[1], sig[0] * sig[1]
    cuts = [frames * i // PROCESSES for i in range(PROCESSES + 1)]
    jobs = [(path, cuts[i], cuts[i + 1], pixels) for i in range(PROCESSES)]
    times, cpus, alien = [], [], []
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for repeat in range(arguments.repeats + 1):
            cpu, machine, began = tree_cpu(), busy(), time.perf_counter()
            pool.map(plain_loops._h5read, jobs, chunksize=1)
            took = time.perf_counter() - began
            if repeat:  # the first one compiles, and fills the page cache
                times.append(took)
                cpus.append(cpu_delta(cpu, tree_cpu()))
                alien.append(foreign(machine, busy(), cpus[-1]))
    record = {
        "kind": "offline",
        "udf": "read",
        "fps": round(frames / statistics.median(times)),
        "us_frame": statistics.median(times) / frames * 1e6,
        "cpu_us_frame": round(statistics.median(cpus) / frames * 1e6, 2),
        "foreign_cpu_s": alien,
    }
    emit(arguments.json, record)


if __name__ == "__main__":
    main()
