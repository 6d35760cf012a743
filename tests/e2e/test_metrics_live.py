"""What Prometheus is told of a service that processes, records and logs a detector's scans."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from e2e.served import PATIENCE, Bench, Viewer, serving

NAV, SIG = (6, 8), (4, 6)
FRAMES = NAV[0] * NAV[1]
PIPELINE = [{"name": "total", "udf": "sumsig"}]


def counts(seed: int) -> Any:
    return np.random.default_rng(seed).poisson(4, (*NAV, *SIG)).astype(np.uint16)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A detector for each test."""
    made = Bench()
    yield made
    made.close()


class Prometheus:
    """Asks, and remembers what counters were: none may go back."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self.counters: dict[tuple[str, ...], float] = {}
        self.back: list[tuple[str, ...]] = []

    async def scrape(self) -> dict[str, float]:
        """All samples by name, with their labels' values behind."""
        text = (await self._viewer.get("/metrics")).body.decode()
        found = {}
        for family in parsed(text):
            for sample in family.samples:
                key = (sample.name, *sample.labels.values())
                found[" ".join(key).removeprefix("framefold_")] = sample.value
                if family.type == "counter":
                    if sample.value < self.counters.get(key, 0.0):
                        self.back.append(key)
                    self.counters[key] = sample.value
        return found

    async def until(self, reached: Any) -> dict[str, float]:
        """Ask again and again until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not reached(seen := await self.scrape()):
            assert time.monotonic() < deadline, seen
        return seen


@pytest.mark.parametrize("keep", [1, 50])
async def test_two_acquisitions(keep, bench, tmp_path):
    """Counters go on where the first ended, also when it is forgotten."""
    sections: dict[str, Any] = {
        "scan": {"nav_shape": list(NAV), "update_s": 0.02},
        "pipeline": PIPELINE,
        "history": {"keep_in_memory": keep},
        "recording": {"enabled": True, "directory": str(tmp_path), "wire_log": True},
    }
    sections["recording"]["min_free_gib"] = 0.001
    async with serving(bench, **sections) as viewer:
        prometheus = Prometheus(viewer)
        first = await prometheus.until(lambda m: m.get("source_connected"))
        for number in (1, 2):
            await bench.announce(counts(number))
            await bench.send(0, 30)
            await bench.send(29, 30)  # once more
            await prometheus.until(
                lambda m, n=number: m["frames_received_total"] == FRAMES * (n - 1) + 30
            )
            scraping = asyncio.create_task(
                prometheus.until(lambda m, n=number: m["runs_total complete"] == n)
            )
            await bench.send(30, FRAMES)
            await bench.end()
            await scraping
        last = await prometheus.until(lambda m: m["recordings_total complete"] == 2)
        status = (await viewer.get("/api/v1/status")).json

    assert prometheus.back == []
    assert first["wire_log_state waiting"] == 1
    assert first["runs_total complete"] == first["frames_received_total"] == 0
    assert last["source_messages_total"] == 2 * (FRAMES + 3) == last["wire_log_messages_total"]
    assert last["source_acquisitions_total"] == 2
    assert last["frames_received_total"] == last["positions_merged_total"] == 2 * FRAMES
    assert last["frames_duplicate_total"] == 2
    assert last["frames_missing_total"] == 0
    assert last["source_payload_bytes_total"] > 0
    assert last["ring_slots"] > last["ring_free_slots"] >= 0
    assert last["ring_kept_slots"] > 0
    assert (last["workers"], last["workers_replaced_total"]) == (2, 0)
    assert last["history_runs"] == min(keep, 2)
    assert (last["run_state complete"], last["run_state running"]) == (1, 0)
    assert last["run_merged_positions"] == last["run_wanted_positions"] == FRAMES
    assert last["run_udf_failed total"] == 0
    assert 0 <= last["run_lag_seconds work"] < PATIENCE
    assert last["recorded_frames_total"] == 2 * FRAMES
    assert last["recording_state complete"] == last["wire_log_state logging"] == 1
    assert last["recording_free_bytes"] > 0
    assert status["totals"]["losses"]["duplicate"] == 2
    told = status["wire_log"]
    assert (told["state"], told["reason"], told["messages"]) == ("logging", "", FRAMES + 3)
    logs = {str(path): path.stat().st_size for path in tmp_path.glob("*.fflog")}
    assert len(logs) == 2
    assert 0 < told["nbytes"] < logs[told["file"]]  # its index came at the end
    assert last["wire_log_bytes_total"] < sum(logs.values())


async def test_a_full_disk_is_told(bench, tmp_path):
    """Messages are not logged any more, and why; processing goes on."""
    sections: dict[str, Any] = {
        "scan": {"nav_shape": list(NAV), "update_s": 0.02},
        "pipeline": PIPELINE,
        "recording": {"enabled": True, "directory": str(tmp_path), "wire_log": True},
    }
    sections["recording"]["min_free_gib"] = 1e9
    async with serving(bench, **sections) as viewer:
        prometheus = Prometheus(viewer)
        await bench.announce(counts(1))
        await bench.send(0, FRAMES)
        await bench.end()
        last = await prometheus.until(
            lambda m: (
                m["runs_total complete"] == 1
                and m["wire_log_state stopped"] == 1
                and m["recordings_total stopped"] == 1
            )
        )
        status = (await viewer.get("/api/v1/status")).json

    assert last["wire_log_messages_total"] == 0
    assert status["wire_log"]["file"] == ""
    assert "GiB left" in status["wire_log"]["reason"]
