"""A program that records made-up frames and says how many are safe, until somebody kills it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from framefold.core.acquisition import Acquisition
from framefold.core.encoding import Encoding
from framefold.core.scan import Scan
from framefold.record.master import begin_master
from framefold.record.plan import Plan
from framefold.record.store import FrameStore
from framefold.record.story import Story
from framefold_simulators.encode import encoded

NAV = (100, 200)
SIG = (8, 12)
PER_FILE = 7000
FRAMES_A_FLUSH = 23


def frames() -> np.ndarray:
    """All frames: each tells its position."""
    count = NAV[0] * NAV[1]
    return np.arange(count * SIG[0] * SIG[1], dtype=np.uint32).reshape(count, *SIG)


def order() -> np.ndarray:
    """The order in which positions are written: shuffled within stretches, as on a wire."""
    rng = np.random.default_rng(6)
    parts = np.array_split(np.arange(NAV[0] * NAV[1]), 40)
    return np.concatenate([rng.permutation(part) for part in parts])


def acquisition() -> Acquisition:
    """What is recorded."""
    return Acquisition("made-up", "nowhere", Scan(NAV), SIG, np.dtype(np.uint32), NAV[0] * NAV[1])


def main(folder: str) -> None:
    """Write until all is written; a line for each flush, then wait to be killed."""
    plan = Plan(Path(folder), "killed", NAV[0] * NAV[1], PER_FILE)
    begin_master(plan, acquisition(), Story(started=1.0))
    store = FrameStore(plan, np.dtype(np.uint32), SIG)
    blobs = list(encoded(frames(), "bslz4"))
    print("ready", flush=True)
    encoding = Encoding("bslz4")
    for i, position in enumerate(order().tolist()):
        store.write(position, memoryview(blobs[position]), encoding, float(i))
        if i % FRAMES_A_FLUSH == 0:
            print(store.flush().safe, flush=True)
    print(store.flush().safe, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
