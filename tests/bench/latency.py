"""From the last frame sent to its result over HTTP, and how old results are while frames come.

Run as ``python tests/bench/latency.py [--sig 256x256] [--scan 64x64] [--share 0.25]``. A detector
in this process sends scans at a share of the rate that passes at most; a server in another one
works on them, with two workers; a viewer asks for a result, and is woken by the next version.
Promised are a median below 50 ms from the last frame to the last version, and no version that is
older than the update time and 50 ms more.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from framefold_simulators import simplon_v2
from framefold_simulators.encode import encoded
from framefold_simulators.scene import Scene
from framefold_simulators.sender import Outlet
from framefold_simulators.series import Series

POOL = 64
CONFIG = """
schema = 1
[logging]
level = "ERROR"
[server]
port = 0
[workers]
count = 2
[sources.bench]
stream = "{endpoint}"
[scan]
nav_shape = [{rows}, {columns}]
update_s = {update}
[[pipeline]]
name = "sums"
udf = "sumsig"
[[pipeline]]
name = "pattern"
udf = "sum"
[[pipeline]]
name = "com"
udf = "com"
"""


class Server:
    """``framefold serve`` with a configuration."""

    def __init__(self, folder: Path, **told: Any) -> None:
        path = folder / "framefold.toml"
        path.write_text(CONFIG.format(**told))
        command = [sys.executable, "-m", "framefold", "serve", "-c", str(path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = next(line for line in self.process.stdout if "http://" in line)
        self.address = self.address.partition("http://")[2].split()[0].rstrip("/")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)


class Detector:
    """Sends scans of frames that were encoded before."""

    def __init__(self, scan: tuple[int, int], sig: tuple[int, int]) -> None:
        self.outlet = Outlet()
        self._scan, self._sig = scan, sig
        frames = Scene(scan, sig, np.dtype(np.uint16)).frames(0, POOL)
        self._blobs = list(encoded(frames))
        self.sums = np.resize(frames.sum(axis=(1, 2), dtype=np.uint64), scan[0] * scan[1])
        self._number = 0

    def send(self, rate: float | None) -> tuple[float, float]:
        """Send a scan; when the first frame and the last one were handed to ZeroMQ [s]."""
        self._number += 1
        count = len(self.sums)
        series = Series(self._number, self._scan, self._sig, np.dtype(np.uint16))
        blobs = ((i, self._blobs[i % POOL]) for i in range(count))
        header, *images, end = simplon_v2.messages(series, blobs)
        self.outlet.send([header])
        began = time.monotonic()
        self.outlet.send(images, rate)
        last = time.monotonic()
        self.outlet.send([end])
        return began, last


@dataclass
class Seen:
    """One version as it reached the viewer."""

    moment: float
    frames: int
    complete: bool
    right: bool


@dataclass
class Viewer:
    """Polls the newest sums, from a thread of its own."""

    address: str
    sums: Any
    seen: list[Seen] = field(default_factory=list)

    def follow(self) -> None:
        """Ask until the acquisition that begins next is over."""
        asking = http.client.HTTPConnection(self.address, timeout=60)
        path, tag = "/api/v1/acquisitions/latest/results/sums/intensity.raw", ""
        before = self._get(asking, "/api/v1/acquisitions/latest")[1].get("id")
        while True:
            answer, _ = self._ask(asking, path, tag)
            if answer is None:
                continue
            tag = answer[1].get("ETag", "")
            if not self.seen:
                ident = self._get(asking, "/api/v1/acquisitions/latest")[1].get("id")
                if ident == before:
                    continue
            self.seen.append(answer[0])
            if answer[0].complete:
                asking.close()
                return

    def _ask(self, asking: http.client.HTTPConnection, path: str, tag: str) -> Any:
        headers = {"If-None-Match": tag, "Prefer": "wait=20"} if tag else {}
        asking.request("GET", path, headers=headers)
        response = asking.getresponse()
        content = response.read()
        now = time.monotonic()
        if response.status != 200:
            return None, response.status
        dtype = np.dtype(response.headers["X-Array-Dtype"])
        found = np.frombuffer(content, dtype).reshape(-1)
        there = found > 0
        seen = Seen(
            now,
            int(np.count_nonzero(there)),
            response.headers["X-Result-Complete"] == "true",
            bool((found[there] == self.sums[there]).all()),
        )
        return (seen, response.headers), 200

    def _get(self, asking: http.client.HTTPConnection, path: str) -> tuple[int, Any]:
        asking.request("GET", path)
        response = asking.getresponse()
        return response.status, json.loads(response.read())

    def facts(self) -> Any:
        """What the server says of the newest acquisition."""
        asking = http.client.HTTPConnection(self.address, timeout=60)
        found = self._get(asking, "/api/v1/acquisitions/latest")[1]
        asking.close()
        return found


def shape(text: str) -> tuple[int, int]:
    """``64x64`` as numbers."""
    height, width = (int(part) for part in text.split("x"))
    return height, width


def once(address: str, detector: Detector, rate: float | None) -> dict[str, Any]:
    """Send a scan, look on, and say how that went."""
    viewer = Viewer(address, detector.sums)
    following = threading.Thread(target=viewer.follow)
    following.start()
    began, last = detector.send(rate)
    following.join()
    assert all(one.right for one in viewer.seen), "wrong sums"
    assert viewer.seen[-1].frames == len(detector.sums), "frames are lacking"
    found: dict[str, Any] = {"last_ms": 1e3 * (viewer.seen[-1].moment - last)}
    if rate is not None:
        # frame n went out n periods after the first one
        ages = [
            after.moment - (began + (one.frames - 1) / rate)
            for one, after in zip(viewer.seen, viewer.seen[1:], strict=False)
            if 0 < one.frames < len(detector.sums)
        ]
        found |= {"versions": len(viewer.seen), "oldest_ms": 1e3 * max(ages)}
    facts = viewer.facts()["statistics"]
    found |= {key: 1e3 * value for key, value in facts.items() if key.startswith("lag_")}
    found["rate"] = len(detector.sums) / (viewer.seen[-1].moment - began)
    return found


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sig", type=shape, default=(256, 256))
    parser.add_argument("--scan", type=shape, default=(64, 64))
    parser.add_argument("--share", type=float, default=0.25, help="of the measured ceiling")
    parser.add_argument("--scans", type=int, default=12)
    parser.add_argument("--update", type=float, default=0.25, help="update time [s]")
    told = parser.parse_args()
    detector = Detector(told.scan, told.sig)
    with tempfile.TemporaryDirectory() as folder:
        rows, columns = told.scan
        endpoint = detector.outlet.endpoint
        server = Server(
            Path(folder), endpoint=endpoint, rows=rows, columns=columns, update=told.update
        )
        try:
            most = [once(server.address, detector, None)["rate"] for _ in range(4)]
            rate = told.share * statistics.median(most[1:])
            found = defaultdict(list)
            for _ in range(told.scans):
                for key, value in once(server.address, detector, rate).items():
                    found[key].append(value)
        finally:
            detector.outlet.close()
            server.end()
    report = {key: round(statistics.median(values), 2) for key, values in found.items()}
    report |= {"oldest_ms_worst": round(max(found["oldest_ms"]), 2)}
    report |= {"ceiling": round(statistics.median(most[1:])), "update_ms": 1e3 * told.update}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
