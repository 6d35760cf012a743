"""Runs and a history that tests can move on, in the place of the engine's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from framefold.core.acquisition import Acquisition
from framefold.core.losses import Losses
from framefold.core.picking import Picked
from framefold.core.scan import Scan
from framefold.core.snapshot import Channel, RunState, Snapshot, UDFFailure
from framefold.errors import FrameNotHeldError

NAV = (8, 6)
SIG = (4, 5)


def channel(kind: str, data: np.ndarray, valid: np.ndarray, extra=(), version=1) -> Channel:
    data.setflags(write=False)
    return Channel(kind, data, np.broadcast_to(valid, data.shape), extra, version)


class FakeRun:
    """A run whose rows arrive when the test says so; publishes when asked, in a thread."""

    def __init__(self, ident: str = "01RUN", rows: int = 3) -> None:
        self.ident = ident
        self.name = "a scan"
        self.asked = 0
        self.watchers: list[Callable[[Snapshot], None]] = []
        self.rows = rows
        self.dirty = False
        self.lock = threading.Lock()
        self.folding = ThreadPoolExecutor(1, "fold")
        self.failures: tuple[UDFFailure, ...] = ()
        self.latest = self.picture(1, RunState.RUNNING)

    def picture(self, version: int, state: RunState) -> Snapshot:
        valid = np.zeros(NAV, bool)
        valid[: self.rows] = True
        image = np.arange(48, dtype=np.float32).reshape(NAV) * valid
        vectors = np.stack([image, -image], -1)
        pattern = np.full(SIG, self.rows, np.uint64)
        results: dict[str, dict[str, Channel]] = {
            "sum": {"intensity": channel("nav", image, valid, version=version)},
            "com": {"field": channel("nav", vectors, valid[..., None], (2,), version)},
            "sumsig": {"intensity": channel("sig", pattern, np.True_, version=version)},
            "odd": {
                "things": channel("single", np.array([{}, None]), np.True_),
                "still": channel("single", np.array([1.0, np.nan, np.inf]), np.True_),
                "c.d": channel("single", np.array([1 + 2j]), np.True_),
            },
        }
        acquisition = Acquisition("aq-1", "test://", Scan(NAV), SIG, np.dtype("u2"), 48)
        return Snapshot(
            version,
            acquisition,
            state,
            "",
            results,
            valid.astype(np.uint8),
            int(valid.sum()),
            48,
            Losses(received=int(valid.sum())),
            self.failures,
            1.7e9,
        )

    def want(self) -> bool:
        self.asked += 1
        with self.lock:
            if not self.dirty:
                return False
            self.dirty = False
        self.folding.submit(self.publish)
        return True

    def watch(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.watchers.append(callback)
        return lambda: self.watchers.remove(callback)

    def statistics(self) -> Mapping[str, float | int | str]:
        return {"frames_per_second": 1000.0, "lag": float("nan")}

    def report(self) -> FakeReport:
        return FakeReport()

    def picked(self, positions: np.ndarray) -> Picked:
        """Frames of rows that were merged, all pixels the position; the first ones are gone."""
        there = positions[(positions >= 6) & (positions < 6 * self.rows)]
        if not len(there):
            raise FrameNotHeldError(self.ident, positions.tolist())
        kind = "u2" if len(positions) == 1 else "u8"
        lacking = np.setdiff1d(positions, there)
        return Picked(np.full(SIG, there.sum(), kind), there, lacking, 0, ("ring",))

    def move(self, rows: int) -> None:
        """More rows are merged; no snapshot is made before somebody asks."""
        self.rows = rows
        with self.lock:
            self.dirty = True

    def publish(self, state: RunState = RunState.RUNNING) -> None:
        self.latest = self.picture(self.latest.version + 1, state)
        for callback in list(self.watchers):
            callback(self.latest)

    def end(self, state: RunState = RunState.COMPLETE) -> None:
        """The run ends without a change of its results."""
        self.latest = replace(self.latest, version=self.latest.version + 1, state=state)
        for callback in list(self.watchers):
            callback(self.latest)


class FakeReport:
    """What a run tells of itself, for files."""

    def as_dict(self) -> dict[str, object]:
        return {"seconds": 1.0}


def over(ident: str, rows: int = 8) -> FakeRun:
    """A run that has ended; its objects, which no file can hold, are left out."""
    run = FakeRun(ident, rows)
    run.end()
    run.latest.results["odd"].pop("things")
    return run


class FakeHistory:
    """Runs, newest first."""

    def __init__(self, *runs: FakeRun) -> None:
        self.all = list(runs)

    def runs(self) -> tuple[FakeRun, ...]:
        return tuple(self.all)

    def get(self, ident: str) -> FakeRun | None:
        if ident == "latest":
            return self.all[0] if self.all else None
        return next((run for run in self.all if run.ident == ident), None)
