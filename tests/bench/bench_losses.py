"""Live frames per second with 1 % of the frames lost, against none, taking turns.

Run as ``python tests/bench/bench_losses.py [--scan 128x128] [--sig 64x64] [--drop 0.01]``. Not
part of the tests; the ratio is what counts. At least 80 % of the lossless rate is promised. All
messages are made before the first is sent, so that the detector costs the same with and without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy as np

from framefold import CoMUDF, Context, SumSigUDF, SumUDF
from framefold_simulators import simplon_v2
from framefold_simulators.encode import encoded
from framefold_simulators.scene import Scene
from framefold_simulators.sender import Outlet
from framefold_simulators.series import Series

SCANS = 4
TURNS = 5
POOL = 64


def shape(text: str) -> tuple[int, int]:
    """``64x64`` as numbers."""
    height, width = (int(part) for part in text.split("x"))
    return height, width


def pool(scan: tuple[int, int], sig: tuple[int, int]) -> np.ndarray:
    """The frames that are sent over and over."""
    return Scene(scan, sig, np.dtype(np.uint16)).frames(0, POOL)


def kept(scan: tuple[int, int], drop: float) -> np.ndarray:
    """Which frames of a scan arrive."""
    return np.random.default_rng(5).random(scan[0] * scan[1]) >= drop


def send(scan: tuple[int, int], sig: tuple[int, int], drop: float) -> None:
    """The detector's process: a scan for each line that comes in."""
    blobs = list(encoded(pool(scan, sig)))
    arrives = kept(scan, drop)
    outlet = Outlet()
    print(json.dumps({"ready": outlet.endpoint}), flush=True)
    for number, _ in enumerate(sys.stdin, start=1):
        series = Series(number, scan, sig, np.dtype(np.uint16))
        frames = ((i, blobs[i % POOL]) for i in np.flatnonzero(arrives).tolist())
        messages = list(simplon_v2.messages(series, frames))
        print(json.dumps({"made": len(messages)}), flush=True)
        outlet.send(messages)
    outlet.close()


def rates(ctx: Context, scan: tuple[int, int], sig: tuple[int, int], drop: float) -> list[float]:
    """Positions a second, of each scan but the first."""
    command = [sys.executable, __file__, "--send", "--drop", str(drop)]
    command += ["--scan", "x".join(map(str, scan)), "--sig", "x".join(map(str, sig))]
    sums = np.resize(pool(scan, sig).sum(axis=(1, 2), dtype=np.uint64), scan[0] * scan[1])
    sums[~kept(scan, drop)] = 0
    found = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as detector:
        assert detector.stdin is not None
        assert detector.stdout is not None
        endpoint = json.loads(detector.stdout.readline())["ready"]
        with ctx.stream(endpoint, nav_shape=scan, idle_seconds=5.0) as stream:
            for _ in range(SCANS):
                detector.stdin.write("go\n")
                detector.stdin.flush()
                detector.stdout.readline()
                began = time.perf_counter()
                reader = stream.next_reader()
                udfs = [SumSigUDF(), SumUDF(), CoMUDF.with_params()]
                results = ctx.run_udf(reader, udfs)
                found.append(scan[0] * scan[1] / (time.perf_counter() - began))
                right = results[0]["intensity"].raw_data.reshape(-1) == sums
                assert right.all(), "wrong sums"
        detector.stdin.close()
    return found[1:]


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", type=shape, default=(128, 128))
    parser.add_argument("--sig", type=shape, default=(64, 64))
    parser.add_argument("--drop", type=float, default=0.01)
    parser.add_argument("--send", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.send:
        send(told.scan, told.sig, told.drop)
        return
    ratios, whole, lossy = [], [], []
    with Context(workers=2) as ctx:
        for _ in range(TURNS):
            whole.append(statistics.median(rates(ctx, told.scan, told.sig, 0.0)))
            lossy.append(statistics.median(rates(ctx, told.scan, told.sig, told.drop)))
            ratios.append(lossy[-1] / whole[-1])
    report = {
        "lossless": round(statistics.median(whole)),
        "lossy": round(statistics.median(lossy)),
        "ratio": round(statistics.median(ratios), 3),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
