"""Live frames per second with 1 % of the frames lost, against none, taking turns.

Run as ``python tests/bench/bench_losses.py [--scan 128x128] [--sig 64x64] [--drop 0.01]``. Not
part of the tests; the ratio is what counts. At least 80 % of the lossless rate is promised.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

from framefold import CoMUDF, Context, SumSigUDF, SumUDF

SCANS = 3
TURNS = 5


def rates(ctx: Context, scan: str, sig: str, drop: float) -> list[float]:
    """Frames sent a second, of each scan but the first."""
    command = [sys.executable, "-m", "framefold_simulators", "simplon-v2", "--scan", scan]
    command += ["--sig", sig, "--rate", "max", "--pool", "64", "--scans", str(SCANS)]
    command += ["--pause", "0.2", "--drop", str(drop)]
    nav = tuple(int(n) for n in scan.split("x"))
    found = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as detector:
        assert detector.stdout is not None
        endpoint = json.loads(detector.stdout.readline())["ready"]
        with ctx.stream(endpoint, nav_shape=nav, idle_seconds=5.0) as stream:
            for _ in range(SCANS):
                reader = stream.next_reader()
                assert reader is not None
                began = time.perf_counter()
                ctx.run_udf(reader, [SumUDF(), SumSigUDF(), CoMUDF.with_params()])
                found.append(nav[0] * nav[1] / (time.perf_counter() - began))
    return found[1:]


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", default="128x128")
    parser.add_argument("--sig", default="64x64")
    parser.add_argument("--drop", type=float, default=0.01)
    told = parser.parse_args()
    whole: list[float] = []
    lossy: list[float] = []
    with Context(workers=2) as ctx:
        for _ in range(TURNS):
            whole += rates(ctx, told.scan, told.sig, 0.0)
            lossy += rates(ctx, told.scan, told.sig, told.drop)
    a, b = statistics.median(whole), statistics.median(lossy)
    print(json.dumps({"lossless": round(a), "lossy": round(b), "ratio": round(b / a, 3)}))


if __name__ == "__main__":
    main()
