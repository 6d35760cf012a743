"""Disks, clocks, memory and viewers."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import h5py
import hdf5plugin
import numpy as np

import framefold
from e2e.fault_matrix.rig import DATA, FRAMES, SETTINGS, Rig, check_whole, run_next, udfs
from e2e.fault_matrix.rows import row
from e2e.served import Bench, serving
from e2e.traces import SHARED, is_alive
from framefold.engine.run import Run
from framefold_simulators.faults import Faults

assert hdf5plugin.FILTERS  # importing it makes the filters known


class TestMachine:
    """What surrounds us is no more reliable than detectors are."""

    @row("disk full while recording")
    def test_disk_full(self, workers, tmp_path):
        """The recording stops, and says so; what was safe stays; processing goes on."""
        settings = {"min_free_bytes": 0, "flush_seconds": 0.0}
        with (
            Rig(Faults(), rate=2000) as rig,
            workers.recording(tmp_path / "a", **settings) as recording,
            workers.stream(rig.endpoint, **SETTINGS) as stream,
        ):
            limit = (40_000, resource.RLIM_INFINITY)
            resource.prlimit(recording.pid, resource.RLIMIT_FSIZE, limit)
            rig.arm()
            reader = recording.reader(stream.next_reader())
            run = Run(reader, udfs(), workers.pool)
            run.start()
            assert run.join(60)
            reader.join()
            stopped = recording.state
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(recording.pid, resource.RLIMIT_FSIZE, unlimited)
            rig.arm()
            reader = recording.reader(stream.next_reader())
            again = Run(reader, udfs(), workers.pool)
            again.start()
            assert again.join(60)
            reader.join()
            whole = recording.state

        check_whole(run)
        check_whole(again)
        assert stopped.state == "stopped"
        assert stopped.reason
        assert stopped.frames < FRAMES
        assert (whole.state, whole.frames) == ("complete", FRAMES)
        with h5py.File(whole.file) as file:
            assert (file["entry/data/data"][()] == DATA).all()

    @row("clock jumps")
    def test_clock(self, workers, monkeypatch):
        """The wall clock goes back and forth by days; no duration is taken from it."""
        jumps = iter(range(10**9))
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + (next(jumps) % 7 - 3) * 86_400.0)
        with Rig(Faults()) as rig, workers.stream(rig.endpoint, **SETTINGS) as stream:
            rig.arm()
            run = run_next(workers, stream)

        check_whole(run)
        assert 0 < run.statistics()["seconds"] < 60
        assert all(0 <= s.longest_ns <= s.total_ns < 60e9 for s in run.fold.spent().values())
        assert not differences_of_wall_clocks()

    @row("leftover shared memory after crash")
    def test_killed_in_the_middle(self):
        """Whoever is killed takes everything along: processes, and memory without a name."""
        before = set(os.listdir(SHARED))
        data = np.zeros((64, 64, 8, 8), np.uint16)
        command = [sys.executable, "-m", "e2e.fault_matrix.left_behind"]
        paths = [str(Path(__file__).parents[2]), *sys.path]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        with (
            Rig(Faults(), data=data, rate=500) as rig,
            subprocess.Popen(
                [*command, rig.endpoint], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, env=environment,
            ) as program,
        ):  # fmt: skip
            rig.arm()
            assert program.stdout is not None
            children = json.loads(program.stdout.readline())
            program.send_signal(signal.SIGKILL)
            program.wait()
            deadline = time.monotonic() + 20
            while any(is_alive(pid) for pid in children) and time.monotonic() < deadline:
                threading.Event().wait(0.02)

        assert len(children) >= 3
        assert not [pid for pid in children if is_alive(pid)]
        assert set(os.listdir(SHARED)) <= before

    @row("viewer too slow")
    async def test_viewers_that_do_not_read(self):
        """They ask for everything and read nothing; scans go on, and others are answered."""
        bench = Bench()
        scan = {"nav_shape": [16, 20], "update_s": 0.02}
        async with serving(bench, scan=scan, workers={"count": 1}) as viewer:
            address = urlsplit(viewer.address)
            stuck = []
            for _ in range(8):
                one = socket.create_connection((address.hostname, address.port))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                ask = "GET /api/v1/acquisitions/latest/results/com/field.npy HTTP/1.1\r\n"
                one.sendall((f"{ask}Host: {address.netloc}\r\n\r\n" * 200).encode())
                stuck.append(one)
            seen = ""
            for _ in range(2):
                await bench.announce(DATA)
                await bench.send(0, FRAMES)
                await bench.end()
                last = seen
                done = await viewer.until(
                    lambda a, b=last: a["id"] != b and a["state"] == "complete"
                )
                seen = done["id"]
                found = await asyncio.wait_for(
                    viewer.get("/api/v1/acquisitions/latest/results/sum/intensity.npy"), 20
                )
                assert (found.array == DATA.sum((0, 1))).all()
                assert done["merged"] == FRAMES
            for one in stuck:
                one.close()
        bench.close()


def differences_of_wall_clocks() -> list[str]:
    """Places in our sources where a wall-clock time is part of a difference or a comparison."""
    found = []
    for path in Path(framefold.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # what turns a time by the monotonic clock into a date is none
            if not isinstance(node, ast.BinOp | ast.Compare) or "monotonic" in ast.unparse(node):
                continue
            if any(
                isinstance(part, ast.Call)
                and ast.unparse(part.func) in ("time.time", "time.time_ns")
                for part in ast.iter_child_nodes(node)
            ):
                found.append(f"{path.name}:{node.lineno}")
    return found
