"""A run that fails on a live stream leaves the stream, its ring and the workers as good as new."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from e2e.wires import wire
from engine.made_blocks import Exits, NoPickle, NoUnpickle, Scaled, Values
from framefold import SumSigUDF
from framefold.errors import RunFailedError, UDFRunCancelled

# nothing is kept after processing: tests wait until every slot is back
TIGHT = {"ring_bytes": 1 << 20, "block_bytes": 1 << 13, "frames_per_block": 4, "keep_bytes": 0}


def scan(seed: int) -> Any:
    return np.random.default_rng(seed).poisson(3, (10, 12, 16, 24)).astype(np.uint16)


class TestFailedRuns:
    """Slots of blocks that nobody folded come back."""

    @pytest.mark.parametrize(
        ("udf", "error"),
        [
            (Scaled(1.0, NoUnpickle()), RunFailedError),
            (Scaled(1.0, NoPickle()), TypeError),
            (Exits(), RunFailedError),
        ],
    )
    def test_the_next_acquisitions_are_whole(self, workers, detector, udf, error):
        scans = [scan(n) for n in range(4)]
        messages = [m for n, data in enumerate(scans) for m in wire(data, number=n + 1)]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(10, 12), **TIGHT) as stream:
            for _ in range(3):
                with pytest.raises(error):
                    workers.run_udf(stream.next_reader(), udf)
            result = workers.run_udf(stream.next_reader(), SumSigUDF())
            # the last of them are on their way back to the receiver
            while stream.statistics().free_slots < stream.statistics().slots:
                threading.Event().wait(0.01)

        assert (result["intensity"].data == scans[3].sum(axis=(2, 3))).all()

    def test_frames_of_one_acquisition_pass_once(self, workers, detector):
        sender = detector(wire(scan(0)))
        with workers.stream(sender.endpoint, nav_shape=(10, 12)) as stream:
            reader = stream.next_reader()
            workers.run_udf(reader, SumSigUDF())

            with pytest.raises(RunFailedError, match="pass once"):
                workers.run_udf(reader, SumSigUDF())

    def test_a_stream_that_is_closed_in_the_middle(self, workers, detector):
        sender = detector(wire(scan(0))[:60])
        with workers.stream(sender.endpoint, nav_shape=(10, 12), **TIGHT) as stream:
            updates = workers.run_udf_iter(stream.next_reader(), Values())
            for _ in range(10):
                next(updates)
        *_, last = updates

        assert 40 <= last.damage.raw_data.sum() <= 60
        assert updates._run.latest.reason == "the stream was closed"

    def test_a_run_that_is_cancelled_while_it_waits_for_frames(self, workers, detector):
        sender = detector(wire(scan(0))[:41])
        with workers.stream(sender.endpoint, nav_shape=(10, 12), **TIGHT) as stream:
            updates = workers.run_udf_iter(stream.next_reader(), Values())
            for _ in range(10):
                next(updates)
            updates.cancel()

            with pytest.raises(UDFRunCancelled):
                list(updates)
