"""Frames that are lost, out of order, twice, late, damaged or named wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from e2e.fault_matrix.rig import (
    BOTH,
    DATA,
    FRAMES,
    NAV,
    SETTINGS,
    SIG,
    Rig,
    check_results,
    check_whole,
    missing,
    run_next,
    survive,
)
from e2e.fault_matrix.rows import row
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState
from framefold_simulators.faults import Faults


class TestFrames:
    """Whatever happens to single frames, the others are where they belong."""

    @row("lost frame (id gap)")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_lost(self, workers, protocol):
        shot, sent = survive(workers, Faults(drop=0.05, seed=1), protocol)

        assert shot.state is RunState.ABORTED
        assert missing(shot) == sorted(sent.lost) != []
        assert shot.losses.missing == len(sent.lost)
        assert f"{FRAMES - len(sent.lost)} of {FRAMES} positions received" in shot.reason

    @row("out of order")
    @pytest.mark.parametrize("within", [64, None])
    def test_out_of_order(self, workers, within):
        shot, _ = survive(workers, Faults(shuffle=3, within=within))

        assert shot.state is RunState.COMPLETE
        assert shot.losses.received == FRAMES

    @row("duplicated frame")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_twice(self, workers, protocol):
        shot, sent = survive(workers, Faults(duplicate=0.1, seed=2), protocol)

        assert shot.state is RunState.COMPLETE
        # those of the last frames may come when all is there, and the series over
        assert 0 < shot.losses.duplicate <= sent.sent - FRAMES

    @row("late frames")
    def test_late(self, workers):
        """Late ones are merged in blocks of their own; those after the end are too late."""
        shot, _ = survive(workers, Faults(late=0.1, late_by=100, seed=3), frames_per_block=8)
        beyond, sent = survive(workers, Faults(late=0.1, late_by=None, seed=3))

        assert shot.state is RunState.COMPLETE
        assert beyond.state is RunState.ABORTED
        assert len(missing(beyond)) == beyond.losses.missing > 0
        assert not sent.lost

    @row("message corruption (bad JSON/CBOR, short blob)")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_unreadable_and_cut(self, workers, protocol):
        """Each is counted, a copy of the first of its kind is kept, and the rest goes on."""
        faults = Faults(garble=0.05, truncate=0.05, seed=4, only=1)
        with Rig(faults, protocol) as rig, workers.stream(rig.endpoint, **SETTINGS) as stream:
            rig.arm()
            run = run_next(workers, stream)
            shot, sent = run.latest, rig.first
            kept = stream.quarantine

        merged = check_results(run).reshape(-1)
        damaged = np.zeros(FRAMES, bool)
        damaged[list(sent.damaged)] = True
        # cut by nothing, or behind its last pixel, a frame may be whole all the same
        assert merged[~damaged].all()
        assert np.count_nonzero(~merged) > len(sent.damaged) * 0.8
        assert shot.losses.corrupt + shot.losses.undecodable + shot.losses.stale > 0
        assert kept
        assert all(one.kind and one.detail and one.parts for one in kept)

    @row("decompression failure")
    def test_cannot_be_decoded(self, workers):
        """Some leave holes; if most do, something else is wrong, and the run says so."""
        some, few = survive(workers, Faults(truncate=0.05, seed=5), "simplon-v1")
        data = np.random.default_rng(0).poisson(3, (30, 30, *SIG)).astype(np.uint16)
        settings = SETTINGS | {"nav_shape": (30, 30)}
        faults = Faults(truncate=1.0, only=1)
        with (
            Rig(faults, "simplon-v1", data) as rig,
            workers.stream(rig.endpoint, **settings) as stream,
        ):
            rig.arm()
            run = run_next(workers, stream)
            rig.arm()
            check_whole(run_next(workers, stream), data)

        corrupt = np.flatnonzero(some.coverage == PositionState.CORRUPT).tolist()
        assert some.losses.undecodable == len(corrupt)
        assert set(corrupt) | set(missing(some)) <= set(few.damaged)
        assert set(corrupt) | set(missing(some))
        if run.latest.losses.undecodable >= 256:
            assert run.state is RunState.FAILED
            assert "most frames cannot be decoded" in run.latest.reason
        else:  # the blobs were seen to be too short before anybody tried
            assert run.latest.losses.corrupt > 0

    @row("wrong element type/encoding")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_another_type(self, workers, protocol):
        shot, sent = survive(workers, Faults(mislabel=0.1, seed=6), protocol)

        assert missing(shot) == sorted(sent.damaged) != []
        assert shot.losses.corrupt == len(sent.damaged)

    @row("mislabelled frames")
    def test_of_another_series(self, workers, detector):
        """Frames that name another series, or the number of another frame."""
        from e2e.wires import wire

        good, strange = wire(DATA, number=1), wire(DATA, number=9)
        messages = [m for n in range(1, 101) for m in (good[n], strange[n])]
        repeated = [wire(DATA[::-1], number=1)[n] for n in (5, 6)]
        messages = [good[0], *messages, *repeated, *good[101:], *wire(DATA, number=2)]
        with workers.stream(detector(messages).endpoint, **SETTINGS) as stream:
            run = run_next(workers, stream)
            check_whole(run_next(workers, stream))

        assert run.state is RunState.COMPLETE
        assert check_results(run).all()
        assert run.latest.losses.stale == 100
        assert run.latest.losses.duplicate == 2

    @row("hot / dead / masked pixels")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_masked_pixels(self, workers, protocol):
        """What stands for no measurement is in no sum, whatever the pixel."""
        mask = np.zeros(SIG, np.uint32)
        mask[3, 4], mask[8, 9] = 1, 2
        data = DATA.copy()
        data[..., 3, 4] = data[..., 8, 9] = 65535
        facts = {"header_detail": "all", "pixel_mask": mask}
        with (
            Rig(Faults(), protocol, data, **facts) as rig,
            workers.stream(rig.endpoint, **SETTINGS) as stream,
        ):
            rig.arm()
            run = run_next(workers, stream)

        clean = np.where(mask > 0, np.uint16(0), DATA)
        check_whole(run, clean)

    @row("everything at once")
    def test_all_of_it(self, workers):
        faults = Faults(
            shuffle=1, within=64, drop=0.02, duplicate=0.05, garble=0.02, mislabel=0.02, late=0.05,
            miscount=3, seed=8,
        )  # fmt: skip
        shot, sent = survive(workers, faults, ring_bytes=1 << 20, block_bytes=1 << 14)

        gone = {*sent.lost, *sent.damaged}
        assert set(missing(shot)) >= gone - {*range(FRAMES, FRAMES + 3)}
        assert np.prod(NAV) == FRAMES
