"""How many cores are of use: costs as measured here, through the model, to 16 and 64 cores.

    python tests/bench/scaling.py measure --json costs.json
    python tests/bench/scaling.py predict --json costs.json

``costs.json`` beside this file has costs of a quiet machine, from decision records 0011 to 0014.

``measure`` runs live scans (a simulated detector, this machine's cores) with 1 and 2 workers and
with small and large blocks, and keeps the CPU that each process took, by the kernel's books; the
CPU per frame and per block follow. Call it again to go on. ``predict`` prints what the model makes
of them: 1 and 2 workers here beside what was measured, then machines with more cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from bench_live import pipelines
from cpu_time import of_machine, of_roles
from scaling_model import Costs, Layout, bounds, layouts, simulate

from framefold import Context

SIG = (256, 256)
SCAN = (128, 128)
FRAMES = SCAN[0] * SCAN[1]
PIPELINES = ("sum", "sum + 16 masks + com")
BLOCKS = (16, 64)
SCANS = 2  # the first is left out
RING_SLOTS = 64
MACHINES = (16, 64)
PREDICTED_BLOCKS = (64, 256)


def memory_bytes_s(nbytes: int = 1 << 28) -> float:
    """What main memory moves, reads and writes together [bytes/s]: a large copy counts twice."""
    source, target = np.ones(nbytes, np.uint8), np.zeros(nbytes, np.uint8)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        np.copyto(target, source)
        seconds.append(time.perf_counter() - began)
    return 2 * nbytes / min(seconds)


def scans(workers: int, name: str, frames_per_block: int) -> list[dict[str, float]]:
    """CPU of each process [s], the time it took [s] and the cores that others had meanwhile, for
    a few scans.
    """
    options = ["--scan", "x".join(map(str, SCAN)), "--sig", "x".join(map(str, SIG))]
    command = [sys.executable, "-m", "framefold_simulators", "simplon-v1", *options]
    command += ["--rate", "max", "--pool", "64", "--scans", str(SCANS + 1), "--pause", "0.3"]
    found = []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as detector,
        Context(workers=workers) as ctx,
    ):
        assert detector.stdout is not None
        endpoint = json.loads(detector.stdout.readline())["ready"]
        workers_pids = ctx.pool.pids()  # starts them
        with ctx.stream(endpoint, nav_shape=SCAN, frames_per_block=frames_per_block) as stream:
            roles = {
                "sender": [detector.pid],
                "receiver": [stream.pid],
                "worker": workers_pids,
                "main": [os.getpid()],
            }
            udfs = pipelines(SIG)[name]
            for _ in range(SCANS):
                before, came = of_roles(roles), stream.statistics().payload_bytes
                reader = stream.next_reader()
                assert reader is not None
                machine, began = of_machine(), time.perf_counter()
                results = ctx.run_udf(reader, udfs)
                took = time.perf_counter() - began
                machine, after = of_machine() - machine, of_roles(roles)
                assert reader.ending().complete
                assert results[0]["intensity"].data.sum() > 0
                came = stream.statistics().payload_bytes - came
                spent = {who: after[who] - before[who] for who in after}
                others = max(machine - sum(spent.values()), 0.0) / took
                found.append(
                    {**spent, "wall": took, "others": others, "frame_bytes": came / FRAMES}
                )
        detector.terminate()
    return found[1:]


def measure(kept: Path) -> None:
    """Everything `report` needs; runs that are kept already are not made again."""
    facts: dict[str, Any] = {"cores": os.cpu_count(), "runs": []}
    if kept.exists():
        facts = json.loads(kept.read_text())
    facts.setdefault("memory_bytes_s", memory_bytes_s())
    there = [(run["name"], run["workers"], run["block"]) for run in facts["runs"]]
    for wanted in product(PIPELINES, (1, 2), BLOCKS):
        if wanted in there:
            continue
        name, workers, block = wanted
        several = scans(workers, name, block)
        middle = {key: statistics.median(one[key] for one in several) for key in several[0]}
        facts["runs"].append({"name": name, "workers": workers, "block": block, **middle})
        print(facts["runs"][-1], file=sys.stderr)
        kept.write_text(json.dumps(facts, indent=1))


def costs_of(facts: dict[str, Any], name: str, workers: int = 2) -> Costs:
    """CPU per frame and per block, from runs that differ in the size of blocks alone."""
    small, large = (
        next(
            run
            for run in facts["runs"]
            if (run["name"], run["workers"], run["block"]) == (name, workers, block)
        )
        for block in BLOCKS
    )

    def split(who: str) -> tuple[float, float]:
        more_blocks = FRAMES / BLOCKS[0] - FRAMES / BLOCKS[1]
        block = max((small[who] - large[who]) / more_blocks, 0.0)
        return (large[who] - block * FRAMES / BLOCKS[1]) / FRAMES * 1e6, block * 1e6

    worker, worker_block = split("worker")
    return Costs(
        sender_us=large["sender"] / FRAMES * 1e6,
        receiver_us=large["receiver"] / FRAMES * 1e6,
        worker_us=worker,
        worker_block_us=worker_block,
        # starting and ending a run is in it: 16384 frames make that a small part
        main_block_us=large["main"] / (FRAMES / BLOCKS[1]) * 1e6,
        frame_bytes=large["frame_bytes"],
        memory_bytes_s=facts["memory_bytes_s"],
    )


def report(facts: dict[str, Any]) -> None:
    """Print tables."""
    for name, kept in facts.get("costs", {}).items():
        predict(name, Costs(**kept), facts["cores"])
    for name in PIPELINES:
        runs = [run for run in facts["runs"] if run["name"] == name]
        if len(runs) < 2 * len(BLOCKS):
            if runs:
                print(f"{name}: not all measured yet")
            continue
        compare(name, facts, runs)
        predict(f"{name}, {SIG[0]}x{SIG[1]} uint16 bslz4", costs_of(facts, name), facts["cores"])


def compare(name: str, facts: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """The model beside what was measured, with the cores that others left us."""
    print(f"\n## {name}, measured\n")
    print("| workers | frames a block | cores that were ours | measured | model | off by |")
    print("| --- | --- | --- | --- | --- | --- |")
    for run in runs:
        ours = facts["cores"] - run["others"]
        layout = Layout(ours, run["workers"], 1, run["block"], RING_SLOTS, remote_sender=False)
        # costs of the same number of workers: caches and cores are shared as they are
        own = costs_of(facts, name, run["workers"])
        found = simulate(own, layout, FRAMES // run["block"]).frames_s
        rate = FRAMES / run["wall"]
        print(
            f"| {run['workers']} | {run['block']} | {ours:.2f} | {rate:.0f} | {found:.0f} | "
            f"{100 * (found / rate - 1):+.0f} % |"
        )


def predict(name: str, costs: Costs, cores: int) -> None:
    """Machines with more cores, one and two receivers."""
    print(f"\n## {name}\n")
    print("costs: " + ", ".join(f"{k} {v:.3g}" for k, v in asdict(costs).items()))
    for machine, frames_per_block in product(MACHINES, PREDICTED_BLOCKS):
        # memory grows with the cores, as it does from small to large servers
        there = replace(costs, memory_bytes_s=costs.memory_bytes_s * machine / cores)
        print(f"\n{machine} cores, {frames_per_block} frames a block:\n")
        print("| receivers | workers | frames/s | busiest | bounds, tightest first |")
        print("| --- | --- | --- | --- | --- |")
        for receivers in (1, 2):
            for layout in layouts(machine, receivers, frames_per_block):
                found = simulate(there, layout)
                order = ", ".join(f"{k} {v:.3g}" for k, v in bounds(there, layout).items())
                print(
                    f"| {receivers} | {layout.workers} | {found.frames_s:.0f} | "
                    f"{found.busiest} {found.busy[found.busiest]:.2f} | {order} |"
                )


def main() -> None:
    """Measure, or predict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("measure", "predict"))
    parser.add_argument("--json", type=Path, default=Path("costs.json"))
    arguments = parser.parse_args()
    if arguments.what == "measure":
        measure(arguments.json)
    report(json.loads(arguments.json.read_text()))


if __name__ == "__main__":
    main()
