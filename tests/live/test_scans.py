"""Frames of a stream find their positions in scans as scan engines run them."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.core.scan import NOWHERE
from framefold.errors import ConfigError
from framefold.live.assembler import Assembler, FreeSlots, Verdict
from framefold.live.opening import announced
from framefold.live.ring import COUNTERS_BYTES, RingShape
from framefold.live.settings import StreamSettings
from framefold.protocols.events import Started

ROWS = 16


def acquisition(frames, **settings):
    header = Started("1", 1, (2, 2), np.dtype("u1"), frames)
    made = StreamSettings("tcp://detector:9999", **settings)
    return announced("a", header, (2, 2), np.dtype("u1"), made)


def sealed_positions(assembler, free):
    found = []
    for sealed in assembler.sealed:
        found += assembler._tables[sealed.slot, 0, : sealed.count].tolist()
        free.give_back(sealed.slot)
    assembler.sealed.clear()
    return found


@pytest.mark.parametrize(
    ("frames", "settings", "shape"),
    [
        (44, {"nav_shape": (4, -1), "flyback": 1}, (4, 10)),
        (40, {"nav_shape": (4, 10), "scan_order": "snake"}, (4, 10)),
        (47, {"nav_shape": (-1, 10), "flyback": 1, "lead_in": 3, "scan_order": "snake"}, (4, 10)),
        (40, {"nav_shape": (-1, 5), "frames_per_position": 2, "repeats": "axis"}, (4, 5, 2)),
        (40, {"nav_shape": (4, 10), "sync_offset": -5, "scan_order": "snake"}, (4, 10)),
    ],
)
class TestScans:
    """What is received is what the scan says, and no more is waited for."""

    def test_frames_are_placed(self, frames, settings, shape):
        scan = acquisition(frames, **settings).scan
        slot_bytes = RingShape(0, ROWS, 1).table_bytes + 64 * ROWS
        ring = RingShape(COUNTERS_BYTES + 8 * slot_bytes, ROWS, slot_bytes)
        free = FreeSlots(ring.slots)
        assembler = Assembler(scan, 8, ring, free, np.zeros(ring.size, np.uint8), frames)
        wanted = scan.positions(0, frames)

        received = []
        for frame in range(frames):
            verdict = assembler.place(frame, memoryview(b"four"), 0.0)
            assert (verdict == Verdict.NOWHERE) == (wanted[frame] == NOWHERE)
            received += sealed_positions(assembler, free)
        whole = assembler.is_complete
        assembler.seal_all()
        received += sealed_positions(assembler, free)

        assert scan.shape == shape
        assert whole
        assert sorted(received) == sorted(wanted[wanted != NOWHERE].tolist())


def test_a_stream_does_not_sum():
    with pytest.raises(ConfigError, match="not summed"):
        StreamSettings("tcp://detector:9999", frames_per_position=2)
