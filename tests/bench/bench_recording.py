"""What recording costs beside processing, and how fast it is alone, against the disk.

Run as ``python tests/bench/bench_recording.py [--sig 256x256] [--scan 128x128] [--folder DIR]``.
Not part of the tests: machines are shared, so only ratios within one run mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench_live import shape

from framefold import Context, SumSigUDF, SumUDF
from framefold.core.reader import BlockPlan

SCANS = 5


def disk_limit(folder: Path, nbytes: int = 512 << 20) -> float:
    """Bytes per second that a plain program writes into the page cache of that disk."""
    piece = os.urandom(1 << 20)
    path = folder / "plain"
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(nbytes >> 20):
            file.write(piece)
    seconds = time.perf_counter() - began
    path.unlink()
    return nbytes / seconds


def rates(
    ctx: Context, folder: Path | None, udfs: list[Any], arguments: argparse.Namespace,
    wire: bool = False,
) -> tuple[float, float]:  # fmt: skip
    """Median frames per second over a few scans, the first left out, and bytes of a frame."""
    scan, sig = arguments.scan, arguments.sig
    options = ["--scan", "x".join(map(str, scan)), "--sig", "x".join(map(str, sig))]
    command = [sys.executable, "-m", "framefold_simulators", "simplon-v2", *options]
    command += ["--rate", "max", "--pool", "64", "--scans", str(SCANS), "--pause", "0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as detector, ExitStack() as s:
        assert detector.stdout is not None
        endpoint = json.loads(detector.stdout.readline())["ready"]
        log = folder if wire else None
        stream = s.enter_context(ctx.stream(endpoint, nav_shape=scan, wire_log=log))
        recording = None
        if folder is not None and not wire:
            recording = s.enter_context(ctx.recording(folder))
        found, before = [], 0
        for _ in range(SCANS):
            reader: Any = stream.next_reader()
            live = reader
            began = time.perf_counter()
            if recording is not None:
                reader = recording.reader(live)
            if udfs:
                ctx.run_udf(reader, udfs)
            else:
                for block in reader.blocks(BlockPlan()):
                    reader.release(block)
            if recording is not None:
                reader.join()
                assert recording.state.state == "complete", recording.state.reason
            found.append(scan[0] * scan[1] / (time.perf_counter() - began))
            assert live.ending().complete
            nbytes = stream.statistics().payload_bytes
            each, before = (nbytes - before) / (scan[0] * scan[1]), nbytes
            if folder is not None:
                for path in folder.iterdir():
                    path.unlink()
        detector.terminate()
    return statistics.median(found[1:]), each


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sig", type=shape, default=(256, 256))
    parser.add_argument("--scan", type=shape, default=(128, 128))
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=arguments.folder) as made,
        Context(workers=arguments.workers) as ctx,
    ):
        folder = Path(made)
        disk = disk_limit(folder)
        print(f"disk, plain writes: {disk / 1e6:.0f} MB/s")
        for name, udfs in (("sum + sumsig", [SumUDF(), SumSigUDF()]), ("no processing", [])):
            ratios, wired = [], []
            # in turns: what else the machine does meanwhile hits all of them
            for _ in range(arguments.rounds):
                alone, each = rates(ctx, None, udfs, arguments)
                beside, _ = rates(ctx, folder, udfs, arguments)
                logged, _ = rates(ctx, folder, udfs, arguments, wire=True)
                ratios.append(beside / alone)
                wired.append(logged / alone)
                print(
                    f"  {name:14} alone {alone:8.0f}  with HDF5 {beside:8.0f}  "
                    f"with wire log {logged:8.0f} frames/s  ({each / 1e3:.1f} kB a frame; HDF5 "
                    f"{beside * each / 1e6:.0f} MB/s, {beside * each / disk:.2f} of the disk)"
                )
            print(
                f"{name:14} HDF5 {statistics.median(ratios):.2f}, wire log "
                f"{statistics.median(wired):.2f} of the rate without"
            )


if __name__ == "__main__":
    main()
