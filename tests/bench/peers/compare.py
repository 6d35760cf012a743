"""framefold, LiberTEM(-live) and plain loops on the same work, in turn: a table of ratios.

    python tests/bench/peers/compare.py --harness DIR --peers DIR [--only live,tiny] [--rounds 5]

``--harness`` has the scripts that drive every program in the same way (``peer_live.py`` and its
kin), ``--peers`` the environments ``libertem`` and ``plain``; the harness's README says how to make
them and the data, which ``BENCHDATA`` names. Each round runs ours, the peer and the loop once, so
that they are paired; a ratio is the median over rounds. Rounds are kept in ``--results`` and only
those that are missing are run: call it again to go on, ``--seconds`` limits each call. ``--report``
measures nothing.

Our side runs in this interpreter (``--python`` names another), with psutil installed.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import samples
import table
from memory import PeakMemory
from samples import Sample
from workloads import GROUPS, ROWS, Group, Side, chosen

HERE = Path(__file__).resolve().parent
SOURCES = [HERE.parents[2] / "src", HERE.parents[2] / "simulators"]
TIMEOUT_SECONDS = 170.0


def free_port() -> int:
    """A TCP port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Machine:
    """Where everything is, and how one side of a group is started there."""

    def __init__(self, harness: Path, peers: Path, python: str) -> None:
        self._harness = harness
        self._plain = str(peers / "plain" / "bin" / "python")
        self._pythons = {
            "ours": python,
            "peer": str(peers / "libertem" / "bin" / "python"),
            "loop": self._plain,
        }

    def command(self, group: Group, side: Side, records: Path) -> list[str]:
        """What is run."""
        there = self._harness / group.script
        script = there if there.exists() else HERE / group.script
        more = {"ours": group.ours, "peer": group.peer or (), "loop": group.loop or ()}[side]
        command = [self._pythons[side], str(script), *group.options, *more, "--json", str(records)]
        if group.script == "peer_live.py":
            command += ["--sender-python", self._plain, "--api-port", str(free_port())]
            command += ["--zmq", f"tcp://127.0.0.1:{free_port()}"]
        return command

    def environment(self, side: Side) -> dict[str, str]:
        """Its environment: nobody sees more of the others than needed."""
        paths = [self._harness]
        if side == "ours":
            paths = [*SOURCES, HERE, self._harness]
        found = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            found.pop(name, None)
        return found

    def measured(self, group: Group, side: Side, number: int) -> list[Sample]:
        """One side of one round."""
        with tempfile.TemporaryDirectory() as folder:
            records = Path(folder) / "records.jsonl"
            child = subprocess.Popen(
                self.command(group, side, records),
                env=self.environment(side),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            watch = PeakMemory(child.pid) if group.name == "memory" else None
            if watch is not None:
                watch.start()
            try:
                _, said = child.communicate(timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 15)
                _, said = child.communicate()
                said += f"\nended after {TIMEOUT_SECONDS:.0f} s"
            peak = 0 if watch is None else watch.stop()
            lines = records.read_text().splitlines() if records.exists() else []
        found = [samples.of_record(json.loads(line), group, side, number) for line in lines]
        kept = [one for one in found if one is not None]
        if child.returncode:
            last = said.strip().splitlines()[-1:] or [f"exit status {child.returncode}"]
            print(said, file=sys.stderr)
            missing = {row.case for row in ROWS if row.group == group.name}
            missing -= {one.case for one in kept}
            kept += [
                Sample(group.name, case, side, number, error=last[0][:200])
                for case in sorted(missing)
            ]
        if watch is not None and not child.returncode:
            right = all(one.right is not False for one in kept)
            kept = [Sample(group.name, "", side, number, {"pss_mb": peak / 1e6}, right=right)]
        return kept


def rounds_of(group: Group, found: Sequence[Sample]) -> tuple[int, int]:
    """How many rounds of a group are there with all sides, and the number of the next one."""
    sides: dict[int, set[str]] = defaultdict(set)
    for one in found:
        if one.group == group.name:
            sides[one.round].add(one.side)
    whole = sum(there >= set(group.sides) for there in sides.values())
    return whole, max(sides, default=-1) + 1


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--harness", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable, help="of our side")
    parser.add_argument("--only", default="", help="names or families of groups; see --list")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=150.0, help="start no round after that")
    parser.add_argument("--results", type=Path, default=Path("peers.jsonl"))
    parser.add_argument("--report", action="store_true", help="print the table of what there is")
    parser.add_argument("--list", action="store_true", help="print the groups")
    arguments = parser.parse_args()
    if arguments.list:
        for group in GROUPS:
            print(f"{group.family:10} {group.name}")
        return
    groups = chosen([name for name in arguments.only.split(",") if name])
    machine = Machine(arguments.harness.resolve(), arguments.peers, arguments.python)
    began = time.monotonic()
    kept = list(samples.read(arguments.results))
    numbers = {group.name: rounds_of(group, kept) for group in groups}
    took: dict[str, float] = {}
    missing = 0
    for turn in range(0 if arguments.report else arguments.rounds):
        for group in groups:
            whole, number = numbers[group.name]
            if turn < whole:
                continue
            since = time.monotonic()
            if since - began + took.get(group.name, 0.0) > arguments.seconds:
                missing += 1
                continue
            for side in group.sides:
                samples.append(arguments.results, machine.measured(group, side, number))
            numbers[group.name] = whole, number + 1
            took[group.name] = time.monotonic() - since
            print(f"{group.name} round {number}: {took[group.name]:.0f} s", file=sys.stderr)
    print(table.markdown(ROWS, list(samples.read(arguments.results))))
    if missing:
        print(f"\n{missing} rounds are missing: call it again with the same --results.")


if __name__ == "__main__":
    main()
