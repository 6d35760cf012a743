"""Live processing for minutes near the ceiling, with faults, killed workers and bad viewers.

Run as ``python tests/bench/soak.py [--minutes 10] [--share 0.8]``; not part of the tests. A
simulated detector sends scan after scan with 1 % of the frames lost, others shuffled within 64
or sent twice; a worker is killed every five seconds; three viewers poll, a fourth asks and never
reads. Ends with a report as JSON, and with an error unless every acquisition that was looked at
was right on the positions received, memory stayed flat, and no process and no shared memory was
left.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from framefold.build.service import Service
from framefold.config import make_config
from framefold.core.coverage import PositionState

# frames so large that processing is the ceiling, not the detector; scans so long that what is
# between them does not count
SCAN, SIG = (128, 128), (256, 256)
FRAMES = SCAN[0] * SCAN[1]
KILL_SECONDS = 5.0
LOOK_SECONDS = 1.0
SETTLE_SECONDS = 60.0
GROWTH = 0.05
FAULTS = ("--drop", "0.01", "--shuffle", "1", "--within", "64", "--duplicate", "0.01")
KEPT = 4
"""Acquisitions that the server remembers: enough to look at each before it goes."""


# the server, in a process of its own -------------------------------------------------------------


def host(endpoint: str) -> None:
    """Serve until told to stop; a line for each second says which processes there are."""
    config = make_config(
        {
            "schema": 1,
            "server": {"port": 0},
            "workers": {"count": 2},
            "sources": {"soak": {"stream": endpoint}},
            "scan": {"nav_shape": list(SCAN), "idle_abort_s": 10.0},
            "history": {"keep_in_memory": KEPT},
            "pipeline": [
                {"name": "sums", "udf": "sumsig"},
                {"name": "pattern", "udf": "sum"},
                {"name": "com", "udf": "com"},
            ],
            "logging": {"level": "ERROR"},
        }
    )
    service = Service(config)

    def tell() -> None:
        while True:
            stream, pool = service._stream, service._pool
            if stream is not None and pool is not None:
                pids = {"main": [os.getpid()], "receiver": [stream.pid], "worker": pool.pids()}
                print(json.dumps(pids), flush=True)
            time.sleep(LOOK_SECONDS / 2)

    def announced(address: str) -> None:
        print(json.dumps({"address": address}), flush=True)
        threading.Thread(target=tell, daemon=True).start()

    asyncio.run(service.run(announce=announced))


# the bench ---------------------------------------------------------------------------------------


class Server:
    """The process of `host`, and what it says."""

    def __init__(self, endpoint: str) -> None:
        command = [sys.executable, __file__, "--host", endpoint]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())["address"].rstrip("/")
        self.pids: dict[str, list[int]] = {}
        self.ready = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self.ready.wait(400)  # kernels may have to be compiled

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.pids = json.loads(line)
            self.ready.set()

    def get(self, path: str) -> bytes:
        """What it answers."""
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return answer.read()

    def json(self, path: str) -> Any:
        """The same, understood."""
        return json.loads(self.get(path))

    def array(self, path: str) -> Any:
        """The same as an array."""
        return np.load(io.BytesIO(self.get(path)), allow_pickle=False)


class Detector:
    """The simulator, and what it says of each series."""

    def __init__(self, file: Path, *options: str, bind: str = "tcp://127.0.0.1:0") -> None:
        command = [sys.executable, "-m", "framefold_simulators", "simplon-v2", "--from", str(file)]
        command += ["--bind", bind, "--pause", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.endpoint = json.loads(self.process.stdout.readline())["ready"]
        self.series: dict[str, dict[str, Any]] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            self.series[said["unique_id"]] = said

    def close(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Truth:
    """What every result must be on the positions received."""

    def __init__(self, frames: Any) -> None:
        self._flat = frames.reshape(FRAMES, -1)
        self._sums = self._flat.sum(1, dtype=np.uint64)
        self._total = np.zeros(self._flat.shape[1], np.uint64)
        for frame in self._flat:
            self._total += frame

    def wrong(self, server: Server, acquisition: Any, lost: list[int]) -> str:
        """What is wrong with an acquisition; empty if nothing is."""
        path = f"/api/v1/acquisitions/{acquisition['id']}"
        states = server.array(f"{path}/coverage.npy").reshape(-1)
        merged = states == PositionState.MERGED
        missing = np.flatnonzero(states == PositionState.MISSING).tolist()
        if missing != sorted(lost):
            return f"{len(missing)} missing, {len(lost)} lost"
        if acquisition["losses"]["set_aside"]:
            return "frames set aside"
        sums = server.array(f"{path}/results/sums/intensity.npy").reshape(-1)
        if not np.array_equal(sums[merged], self._sums[merged]):
            return "sums differ"
        rest = self._flat[~merged].sum(0, dtype=np.uint64)
        pattern = server.array(f"{path}/results/pattern/intensity.npy").reshape(-1)
        return "" if np.array_equal(pattern, self._total - rest) else "pattern differs"


def memory(pid: int) -> int | None:
    """Memory of its own that a process has [bytes]: what is shared is the ring's and arenas'."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
    return None


class Soak:
    """One soak: threads that look, kill and poll until the time is up."""

    def __init__(self, server: Server, detector: Detector, truth: Truth) -> None:
        self.server, self.detector, self.truth = server, detector, truth
        self.over = threading.Event()
        self.began = time.monotonic()
        self.memory: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.killed = self.polled = self.checked = self.frames = self.lost = self.stalled = 0
        self.wrong: list[str] = []
        self.states: dict[str, int] = defaultdict(int)
        self.rates: list[float] = []
        self.errors: list[str] = []

    def run(self, seconds: float) -> None:
        """Go on for so long."""
        jobs = [self.look, self.kill, self.check, self.stall, *[self.poll] * 3]
        threads = [threading.Thread(target=self._guarded, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        self.over.wait(seconds)
        self.over.set()
        for thread in threads:
            thread.join()

    def _guarded(self, job: Any) -> None:
        try:
            job()
        except Exception as error:
            self.errors.append(f"{job.__name__}: {error!r}")
            self.over.set()

    def look(self) -> None:
        """Note how much memory each kind of process has."""
        while not self.over.wait(LOOK_SECONDS):
            for role, pids in self.server.pids.items():
                found = [n for pid in pids if (n := memory(pid)) is not None]
                if found:
                    now = time.monotonic() - self.began
                    self.memory[role].append((now, max(found)))

    def kill(self) -> None:
        """Kill a worker, again and again."""
        while not self.over.wait(KILL_SECONDS):
            with suppress(ProcessLookupError):
                os.kill(random.choice(self.server.pids["worker"]), signal.SIGKILL)
                self.killed += 1

    def poll(self) -> None:
        """Look on, as a page does."""
        paths = ("results/sums/intensity.png?size=256", "results/com/field.npy", "coverage.png")
        # the whole pattern, too, at first: what the server keeps of its answers has a limit, which
        # is to be reached before anybody looks whether memory grows
        large = "results/pattern/intensity.npy"
        while not self.over.wait(0.1):
            settling = time.monotonic() - self.began < SETTLE_SECONDS
            for path in (*paths, large) if settling else paths:
                with suppress(urllib.error.HTTPError):
                    self.server.get(f"/api/v1/acquisitions/latest/{path}")
                    self.polled += 1

    def stall(self) -> None:
        """Ask for much, and never read."""
        address = urlsplit(self.server.address)
        while not self.over.is_set():
            with socket.create_connection((address.hostname, address.port)) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                ask = "GET /api/v1/acquisitions/latest/results/com/field.npy HTTP/1.1\r\n"
                one.settimeout(1)
                with suppress(TimeoutError):
                    one.sendall((f"{ask}Host: {address.netloc}\r\n\r\n" * 500).encode())
                self.stalled += 1
                self.over.wait(30)

    def check(self) -> None:
        """Hold every acquisition that is over against the truth."""
        seen: set[str] = set()
        while not self.over.wait(0.3):
            for one in self.server.json("/api/v1/acquisitions")["acquisitions"]:
                said = self.detector.series.get(one["id"].rpartition("-")[0])
                over = one["state"] in ("complete", "aborted", "failed")
                if one["id"] in seen or not over or said is None:
                    continue
                seen.add(one["id"])
                try:
                    wrong = self.truth.wrong(self.server, one, said["lost"])
                    facts = self.server.json(f"/api/v1/acquisitions/{one['id']}")
                except urllib.error.HTTPError:
                    continue  # forgotten meanwhile
                if wrong:
                    self.wrong.append(f"{one['id']}: {wrong}; {one['reason']}; {one['losses']}")
                self.checked += 1
                self.rates.append(facts["statistics"]["frames_per_second"])
                self.states[one["state"]] += 1
                self.frames += one["merged"]
                self.lost += len(said["lost"])

    def growth(self) -> dict[str, tuple[int, int]]:
        """Of each kind of process, memory after the first minute and at the end [KiB]."""
        found = {}
        end = time.monotonic() - self.began
        window = min(30.0, max(10.0, (end - SETTLE_SECONDS) / 3))
        for role, seen in self.memory.items():
            early = [n for t, n in seen if SETTLE_SECONDS <= t < SETTLE_SECONDS + window]
            late = [n for t, n in seen if t >= end - window]
            if early and late:
                early_n, late_n = statistics.median(early), statistics.median(late)
                found[role] = (int(early_n) >> 10, int(late_n) >> 10)
        return found

    def by_minute(self) -> dict[str, list[int]]:
        """Of each kind of process, its memory in each minute [MiB]."""
        found: dict[str, list[int]] = {}
        for role, seen in self.memory.items():
            minutes: dict[int, list[int]] = defaultdict(list)
            for t, n in seen:
                minutes[int(t / 60)].append(n)
            found[role] = [int(statistics.median(minutes[m])) >> 20 for m in sorted(minutes)]
        return found


@contextmanager
def recorded() -> Iterator[tuple[Path, Any]]:
    """Frames in a file."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        frames = np.lib.format.open_memmap(path, "w+", np.uint16, (*SCAN, *SIG))
        for row in frames:
            row[:] = rng.poisson(2, row.shape)
        frames.flush()
        yield path, frames


def ceiling(server: Server, file: Path, bind: str) -> float:
    """Frames per second that pass without faults, as fast as they go."""
    detector = Detector(file, "--rate", "max", "--scans", "endless", bind=bind)
    rates: dict[str, float] = {}
    try:
        while len(rates) < 8:
            time.sleep(0.3)
            for one in server.json("/api/v1/acquisitions")["acquisitions"]:
                if one["state"] == "complete" and one["id"] not in rates:
                    with suppress(urllib.error.HTTPError):  # forgotten meanwhile
                        facts = server.json(f"/api/v1/acquisitions/{one['id']}")
                        rates[one["id"]] = facts["statistics"]["frames_per_second"]
    finally:
        detector.close()
    return statistics.median(list(rates.values())[2:])  # the first ones encode, and warm up


def left_behind(pids: set[int]) -> list[int]:
    """Processes that still live."""
    return [pid for pid in pids if memory(pid) is not None]


def descendants(of: int) -> set[int]:
    """All processes that come from one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
    found = {of}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> int:
    """Soak, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--share", type=float, default=0.8, help="of the measured ceiling")
    parser.add_argument("--host", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.host:
        host(told.host)
        return 0
    shared = set(os.listdir("/dev/shm"))
    bind = f"tcp://127.0.0.1:{free_port()}"
    with recorded() as (file, frames):
        server = Server(bind)
        try:
            most = ceiling(server, file, bind)
            rate = told.share * most
            options = (*FAULTS, "--rate", f"{rate:.0f}", "--scans", "endless", "--seed", "5")
            detector = Detector(file, *options, bind=bind)
            soak = Soak(server, detector, Truth(frames))
            try:
                soak.run(told.minutes * 60)
            finally:
                detector.close()
            pids = descendants(server.process.pid)
            server.process.send_signal(signal.SIGINT)
            code = server.process.wait(60)
        finally:
            server.process.kill()
    deadline = time.monotonic() + 10
    while left_behind(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    growth = soak.growth()
    flat = {role: late <= early * (1 + GROWTH) for role, (early, late) in growth.items()}
    report = {
        "minutes": told.minutes,
        "ceiling_frames_per_second": round(most),
        "rate_frames_per_second": round(rate),
        "series_sent": len(detector.series),
        "acquisitions_checked": soak.checked,
        "states": dict(soak.states),
        "frames_merged": soak.frames,
        "frames_merged_per_second": round(soak.frames / (60 * told.minutes)),
        "frames_per_second_while_a_scan_goes_on": round(statistics.median(soak.rates or [0.0])),
        "frames_lost_by_the_detector": soak.lost,
        "wrong": soak.wrong,
        "workers_killed": soak.killed,
        "answers_to_viewers": soak.polled,
        "stalled_viewers": soak.stalled,
        "memory_kib_after_a_minute_and_at_the_end": growth,
        "memory_mib_by_minute": soak.by_minute(),
        "memory_is_flat": flat,
        "server_exit_code": code,
        "processes_left": left_behind(pids),
        "shared_memory_left": sorted(set(os.listdir("/dev/shm")) - shared),
        "errors": soak.errors,
    }
    print(json.dumps(report, indent=2))
    bad = (
        report["wrong"], report["errors"], report["processes_left"], report["shared_memory_left"],
        not all(flat.values()), soak.checked == 0,
    )  # fmt: skip
    return int(any(bad))


if __name__ == "__main__":
    sys.exit(main())
