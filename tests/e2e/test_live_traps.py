"""The three traps of a ring, and what else goes wrong on the way of a frame."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumSigUDF, SumUDF
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState
from framefold.engine.run import Run
from framefold.errors import ConfigError
from framefold.udf import UDF
from framefold_simulators import simplon_v1
from framefold_simulators.encode import encoded
from framefold_simulators.series import Series


def counts(nav: tuple[int, int], sig: tuple[int, int] = (16, 24), seed: int = 0) -> Any:
    return np.random.default_rng(seed).poisson(3, (*nav, *sig)).astype(np.uint16)


def run_all(ctx: Any, reader: Any, udfs: dict[str, UDF]) -> Run:
    run = Run(reader, udfs, ctx.pool)
    run.start()
    assert run.join(60)
    return run


class TestRing:
    """A ring much smaller than the scan is enough."""

    TIGHT = {"ring_bytes": 1 << 20, "block_bytes": 1 << 13, "frames_per_block": 4}

    def test_a_scan_larger_than_the_ring(self, workers, detector):
        """First trap: one thread that feeds and folds would wait for slots for ever."""
        data = counts((40, 50))
        sender = detector(wire(data))
        with workers.stream(sender.endpoint, nav_shape=(40, 50), **self.TIGHT) as stream:
            reader = stream.next_reader()
            (sums, sig) = workers.run_udf(reader, [SumUDF(), SumSigUDF()])
            assert stream.statistics().slots < 10

        assert (sums["intensity"].data == data.sum(axis=(0, 1))).all()
        assert (sig["intensity"].data == data.sum(axis=(2, 3))).all()

    def test_acquisition_after_acquisition(self, workers, detector):
        """Second trap: slots of the last acquisition are free only once they came back."""
        scans = [counts((10, 12), seed=seed) for seed in range(6)]
        messages = [m for n, data in enumerate(scans) for m in wire(data, number=n + 1)]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(10, 12), **self.TIGHT) as stream:
            for data in scans:
                result = workers.run_udf(stream.next_reader(), SumSigUDF())
                assert (result["intensity"].data == data.sum(axis=(2, 3))).all()

    def test_acquisitions_that_nobody_finishes_do_not_keep_slots(self, workers, detector):
        """A run that was cancelled gives its slots back, too."""
        scans = [counts((10, 12), seed=seed) for seed in range(5)]
        messages = [m for n, data in enumerate(scans) for m in wire(data, number=n + 1)]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(10, 12), **self.TIGHT) as stream:
            for _ in range(4):
                updates = workers.run_udf_iter(stream.next_reader(), SumSigUDF())
                next(updates)
                updates.close()
            result = workers.run_udf(stream.next_reader(), SumSigUDF())

        assert (result["intensity"].data == scans[4].sum(axis=(2, 3))).all()

    def test_a_shuffled_scan_larger_than_the_ring(self, workers, detector):
        """Third trap: every slot open, none complete; the oldest must go."""
        data = counts((30, 30))
        order = np.random.default_rng(1).permutation(900)
        sender = detector(wire(data, "simplon-v1", order=order))
        with workers.stream(sender.endpoint, nav_shape=(30, 30), **self.TIGHT) as stream:
            result = workers.run_udf(stream.next_reader(), SumSigUDF())

        assert (result["intensity"].data == data.sum(axis=(2, 3))).all()

    def test_frames_of_another_size_cut_the_ring_anew(self, workers, detector):
        small, large = counts((6, 6)), counts((3, 3), (300, 200))
        messages = [*wire(small, number=1), *wire(large, number=2), *wire(small, number=3)]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(-1, -1), **self.TIGHT) as stream:
            for data in (small, large, small):
                reader = stream.next_reader()
                result = workers.run_udf(reader, SumUDF())
                assert (result["intensity"].data == data.sum(axis=(0, 1))).all()

    def test_frames_too_large_for_the_ring_are_refused_in_words(self, workers, detector):
        sender = detector(
            [*wire(counts((2, 2), (800, 800)), number=1), *wire(counts((4, 4)), number=2)]
        )
        with workers.stream(sender.endpoint, nav_shape=(-1, -1), **self.TIGHT) as stream:
            reader = stream.next_reader()

            assert reader.acquisition.nav_shape == (4, 4)
            assert "need a ring of at least" in stream.last_refusal
            workers.run_udf(reader, SumUDF())


class TestLosses:
    """What is lost is missing, counted, and never an obstacle."""

    def test_missing_and_repeated_frames(self, workers, detector):
        data = counts((8, 9))
        order = np.delete(np.arange(72), [0, 17, 18, 40, 71])
        order = np.append(order, [5, 5, 60])
        sender = detector(wire(data, order=order))
        with workers.stream(sender.endpoint, nav_shape=(8, 9), frames_per_block=10) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF(), "sum": SumUDF()})

        snapshot = run.latest
        lost = np.zeros(72, bool)
        lost[[0, 17, 18, 40, 71]] = True
        lost = lost.reshape(8, 9)
        assert snapshot.state is RunState.ABORTED
        assert snapshot.losses.duplicate == 3
        assert snapshot.losses.missing == 5
        assert ((snapshot.coverage == PositionState.MISSING) == lost).all()
        channel = snapshot.results["sig"]["intensity"]
        assert (channel.valid == ~lost).all()
        assert (channel.data[~lost] == data.sum(axis=(2, 3))[~lost]).all()
        assert (snapshot.results["sum"]["intensity"].data == data[~lost].sum(axis=0)).all()

    def test_more_frames_than_positions(self, workers, detector):
        data = counts((5, 8))
        sender = detector(wire(data))
        with workers.stream(sender.endpoint, nav_shape=(4, 8)) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})

        assert run.state is RunState.COMPLETE
        assert run.latest.losses.nowhere == 8
        assert (run.latest.results["sig"]["intensity"].data == data[:4].sum(axis=(2, 3))).all()

    def test_nonsense_between_frames(self, workers, detector):
        """Whatever a message holds, the acquisition goes on and the message is counted."""
        data = counts((6, 6))
        good = wire(data, "simplon-v1")
        bad = [
            [b"{"],
            [b"\xd9\xd9\xf7\xff"],
            [b""],
            [b'{"htype":"dimage-1.0","series":1,"frame":-4,"hash":""}', b"{}", b"", b"{}"],
            [good[3][0], b'{"htype":"dimage_d-1.0","shape":[24,16],"type":"uint8",'
             b'"encoding":"bs16-lz4<","size":4}', b"abcd", b"{}"],
            [good[3][0], b'{"htype":"dimage_d-1.0","shape":[999999999,16],"type":"uint16",'
             b'"encoding":"bs16-lz4<","size":4}', b"abcd", b"{}"],
            [b'{"htype":"nothing-1.0"}'],
        ]  # fmt: skip
        messages = [*good[:1], *bad, *good[1:20], *bad, *good[20:]]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(6, 6)) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})

        assert run.state is RunState.COMPLETE
        assert run.latest.losses.refused >= 10
        assert (run.latest.results["sig"]["intensity"].data == data.sum(axis=(2, 3))).all()

    def test_damaged_payloads_leave_holes(self, workers, detector):
        data = counts((6, 6))
        series = Series(1, (6, 6), (16, 24), data.dtype)
        blobs = list(encoded(data.reshape(36, 16, 24)))
        blobs[7] = blobs[7][:12] + bytes(len(blobs[7]) - 12)
        blobs[20] = bytes(len(blobs[20]))
        sender = detector(list(simplon_v1.messages(series, enumerate(blobs))))
        with workers.stream(sender.endpoint, nav_shape=(6, 6)) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF(), "sum": SumUDF()})

        corrupt = (run.latest.coverage == PositionState.CORRUPT).reshape(-1)
        good = np.delete(np.arange(36), [7, 20])
        assert np.flatnonzero(corrupt).tolist() == [7, 20]
        assert run.latest.losses.undecodable == 2
        assert (run.latest.results["sum"]["intensity"].data
                == data.reshape(36, 16, 24)[good].sum(axis=0)).all()  # fmt: skip

    def test_a_series_that_stops_short_and_the_next(self, workers, detector):
        data = counts((6, 6))
        messages = [*wire(data, number=1)[:20], *wire(data, number=2)]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(6, 6)) as stream:
            first = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})
            second = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})

        assert first.state is RunState.ABORTED
        assert "began before it ended" in first.latest.reason
        assert first.latest.merged == 19
        assert second.state is RunState.COMPLETE

    def test_joining_in_the_middle(self, workers, detector):
        """The header is gone; the frames say enough when the scan shape is known."""
        data = counts((6, 6))
        sender = detector(wire(data)[11:])
        with workers.stream(sender.endpoint, nav_shape=(6, 6)) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})

        assert run.latest.merged == 26
        assert (run.latest.coverage.reshape(-1)[:10] == PositionState.BEFORE_JOIN).all()

    def test_an_end_that_never_comes(self, workers, detector):
        sender = detector(wire(counts((4, 4)))[:-1])
        with workers.stream(sender.endpoint, nav_shape=(4, 4)) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})

        assert run.state is RunState.COMPLETE

    def test_silence(self, workers, detector):
        sender = detector(wire(counts((4, 4)))[:8])
        with workers.stream(sender.endpoint, nav_shape=(4, 4), idle_seconds=0.3) as stream:
            run = run_all(workers, stream.next_reader(), {"sig": SumSigUDF()})

        assert run.state is RunState.ABORTED
        assert "no frame for 0.3 s" in run.latest.reason


class KillsOnce(UDF):
    """Kills its worker at one position, the first time only."""

    def get_result_buffers(self):
        return {"seen": self.buffer("nav", dtype=np.int64)}

    def process_frame(self, frame):
        at = int(self.meta.coordinates[0][0]) * 10 + int(self.meta.coordinates[0][1])
        if at == 33 and (self.params.always or not os.path.exists(self.params.mark)):
            with open(self.params.mark, "w", encoding="ascii"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        self.results.seen[:] = frame.sum()


class Raises(UDF):
    """Raises at one position."""

    def get_result_buffers(self):
        return {"seen": self.buffer("nav", dtype=np.int64)}

    def process_frame(self, frame):
        if tuple(self.meta.coordinates[0]) == (3, 3):
            raise ZeroDivisionError("at (3, 3)")
        self.results.seen[:] = frame.sum()


class TestWorkers:
    """A worker that dies costs nothing; a frame that kills is set aside."""

    def test_a_killed_worker_is_replaced_and_its_block_redone(self, workers, detector, tmp_path):
        data = counts((10, 10))
        udfs = {"k": KillsOnce(mark=str(tmp_path / "m"), always=False), "sum": SumUDF()}
        sender = detector(wire(data))
        with workers.stream(sender.endpoint, nav_shape=(10, 10), frames_per_block=8) as stream:
            run = run_all(workers, stream.next_reader(), udfs)

        assert run.state is RunState.COMPLETE, run.latest.reason
        assert (run.latest.results["k"]["seen"].data == data.sum(axis=(2, 3))).all()
        assert (run.latest.results["sum"]["intensity"].data == data.sum(axis=(0, 1))).all()

    def test_a_frame_that_kills_every_worker_is_set_aside(self, workers, detector, tmp_path):
        data = counts((10, 10))
        udfs = {"k": KillsOnce(mark=str(tmp_path / "m"), always=True)}
        sender = detector(wire(data))
        with workers.stream(sender.endpoint, nav_shape=(10, 10), frames_per_block=4) as stream:
            run = run_all(workers, stream.next_reader(), udfs)

        aside = run.latest.coverage.reshape(-1) == PositionState.SET_ASIDE
        assert np.flatnonzero(aside).tolist() == [32, 33, 34, 35]
        assert run.latest.merged == 96
        assert run.latest.losses.set_aside == 4

    def test_a_udf_that_raises_fails_alone(self, workers, detector):
        data = counts((10, 10))
        sender = detector(wire(data))
        with workers.stream(sender.endpoint, nav_shape=(10, 10)) as stream:
            run = run_all(workers, stream.next_reader(), {"bad": Raises(), "sum": SumUDF()})

        (failure,) = run.latest.failures
        assert failure.udf == "bad"
        assert "ZeroDivisionError" in failure.error
        assert "process_frame" in failure.traceback
        assert run.state is RunState.COMPLETE
        assert (run.latest.results["sum"]["intensity"].data == data.sum(axis=(0, 1))).all()

    def test_a_script_hears_of_the_exception_and_can_go_on(self, workers, detector):
        data = counts((10, 10))
        sender = detector([*wire(data, number=1), *wire(data, number=2)])
        with workers.stream(sender.endpoint, nav_shape=(10, 10)) as stream:
            with pytest.raises(ZeroDivisionError, match="at"):
                workers.run_udf(stream.next_reader(), [Raises(), SumUDF()])
            result = workers.run_udf(stream.next_reader(), SumUDF())

        assert (result["intensity"].data == data.sum(axis=(0, 1))).all()

    def test_a_killed_receiver_ends_the_run_and_is_restarted(self, workers, detector):
        data = counts((10, 10))
        sender = detector(wire(data)[:50])
        with workers.stream(sender.endpoint, nav_shape=(10, 10), frames_per_block=4) as stream:
            run = Run(stream.next_reader(), {"sum": SumUDF()}, workers.pool)
            run.start()
            run.wait_for_blocks(8)
            first = stream.pid
            os.kill(first, signal.SIGKILL)
            assert run.join(30)
            assert run.state is RunState.ABORTED
            assert "receiver died" in run.latest.reason
            detector_again = wire(data, number=2)
            sender.close(0)
            again = detector(detector_again, bind=sender.endpoint)
            result = workers.run_udf(stream.next_reader(), SumUDF())
            assert again.endpoint == sender.endpoint
            assert stream.pid != first

        assert (result["intensity"].data == data.sum(axis=(0, 1))).all()


class TestStream:
    """A stream says what is wrong with its settings."""

    def test_an_endpoint_that_makes_no_sense(self, workers):
        with pytest.raises(ConfigError, match="nonsense"):
            workers.stream("nonsense")
