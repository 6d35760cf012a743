"""Live frames per second, sender, receiver and workers on this machine, against decoding alone.

Run as ``python tests/bench/bench_live.py [--sig 256x256] [--scan 128x128] [--workers 2]``. Not
part of the tests: machines are shared, so only the ratio to the limit measured in the same run
means something.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from framefold import ApplyMasksUDF, CoMUDF, Context, SumSigUDF, SumUDF
from framefold.codecs import codec
from framefold_simulators.encode import encoded
from framefold_simulators.scene import Scene

SCANS = 4


class Masks:
    """Dense masks, made in the worker."""

    def __init__(self, count: int, sig: tuple[int, int]) -> None:
        self.count = count
        self.sig = sig

    def __call__(self) -> Any:
        return np.random.default_rng(7).random((self.count, *self.sig), dtype=np.float32)


def pipelines(sig: tuple[int, int]) -> dict[str, list[Any]]:
    """What is run, by name."""

    def masks() -> Any:
        return ApplyMasksUDF(Masks(16, sig), mask_count=16, mask_dtype=np.float32)

    return {
        "sum": [SumUDF()],
        "sumsig": [SumSigUDF()],
        "16 masks": [masks()],
        "com": [CoMUDF.with_params()],
        "sum + 16 masks + com": [SumUDF(), masks(), CoMUDF.with_params()],
    }


def decode_limit(scan: tuple[int, int], sig: tuple[int, int]) -> float:
    """Frames per second that one core decodes, and does nothing else."""
    frames = Scene(scan, sig, np.dtype(np.uint16)).frames(0, 64)
    blobs = list(encoded(frames))
    source = np.frombuffer(b"".join(blobs), np.uint8)
    lengths = np.array([len(blob) for blob in blobs])
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    out = np.empty_like(frames)
    decode = codec("bslz4").decode
    decode(source, offsets, lengths, out)
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        decode(source, offsets, lengths, out)
        seconds.append(time.perf_counter() - began)
    return len(frames) / statistics.median(seconds)


def live_rate(
    ctx: Context, udfs: list[Any], protocol: str, scan: tuple[int, int], sig: tuple[int, int]
) -> float:
    """Median frames per second over a few scans, the first left out."""
    options = ["--scan", "x".join(map(str, scan)), "--sig", "x".join(map(str, sig))]
    command = [sys.executable, "-m", "framefold_simulators", protocol, *options]
    command += ["--rate", "max", "--pool", "64", "--scans", str(SCANS), "--pause", "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as detector:
        assert detector.stdout is not None
        endpoint = json.loads(detector.stdout.readline())["ready"]
        rates = []
        with ctx.stream(endpoint, nav_shape=scan) as stream:
            for _ in range(SCANS):
                reader = stream.next_reader()
                assert reader is not None
                began = time.perf_counter()
                ctx.run_udf(reader, udfs)
                rates.append(scan[0] * scan[1] / (time.perf_counter() - began))
                assert reader.ending().complete
        detector.terminate()
    return statistics.median(rates[1:])


def shape(text: str) -> tuple[int, int]:
    """``64x64`` as numbers."""
    height, width = (int(part) for part in text.split("x"))
    return height, width


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sig", type=shape, default=(256, 256))
    parser.add_argument("--scan", type=shape, default=(128, 128))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    limit = decode_limit(arguments.scan, arguments.sig)
    print(f"decoding alone, one core: {limit:.0f} frames/s")
    with Context(workers=arguments.workers) as ctx:
        for protocol in ("simplon-v1", "simplon-v2"):
            for name, udfs in pipelines(arguments.sig).items():
                rate = live_rate(ctx, udfs, protocol, arguments.scan, arguments.sig)
                print(f"{protocol} {name:22} {rate:8.0f} frames/s  {rate / limit:.2f} of the limit")


if __name__ == "__main__":
    main()
