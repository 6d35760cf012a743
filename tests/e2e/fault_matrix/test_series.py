"""Series that break off, begin anew, lack their header or their end, or are not as announced."""

from __future__ import annotations

import numpy as np
import pytest

from e2e.fault_matrix.rig import (
    BOTH,
    DATA,
    FRAMES,
    NAV,
    SETTINGS,
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
from framefold.wirelog.reading import WireLog
from framefold_simulators.faults import Faults


class TestEnds:
    """A series ends when it ends, however that is."""

    @row("series aborted (early end)")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_early(self, workers, protocol):
        shot, _ = survive(workers, Faults(abort=100), protocol)

        assert shot.state is RunState.ABORTED
        assert missing(shot) == list(range(100, FRAMES))
        assert shot.reason.startswith(f"100 of {FRAMES} positions received: ")

    @row("no end message")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_none(self, workers, protocol):
        shot, _ = survive(workers, Faults(no_end=True), protocol)

        assert shot.state is RunState.COMPLETE

    @row("frame count < announced")
    def test_fewer_than_announced(self, workers):
        """With an end it is over at once; without, after a silence."""
        settings = SETTINGS | {"nav_shape": (-1, 20)}
        faults = Faults(miscount=40, only=1)
        with Rig(faults) as rig, workers.stream(rig.endpoint, **settings) as stream:
            rig.arm()
            run = run_next(workers, stream)
            rig.arm()
            check_whole(run_next(workers, stream))
        silent, _ = survive(workers, Faults(abort=200, no_end=True), idle_seconds=0.3)

        assert run.state is RunState.ABORTED
        check_results(run, np.concatenate([DATA, np.zeros_like(DATA[:2])]))
        assert missing(run.latest) == list(range(FRAMES, 360))
        assert missing(silent) == list(range(200, FRAMES))
        assert "no frame for 0.3 s" in silent.reason

    @row("frame count > scan")
    def test_more_than_the_scan(self, workers, tmp_path):
        """They are counted; a log of the messages has them."""
        settings = SETTINGS | {"nav_shape": (12, 20)}
        with (
            Rig(Faults()) as rig,
            workers.stream(rig.endpoint, wire_log=tmp_path, **settings) as stream,
        ):
            rig.arm()
            run = run_next(workers, stream)
            rig.arm()
            check_whole_but_surplus(run_next(workers, stream))
        logged = sum(1 for path in tmp_path.glob("*") for _ in WireLog(path))

        check_whole_but_surplus(run)
        assert logged == 2 * (FRAMES + 2)

    @row("stream stalls")
    def test_stall(self, workers):
        """Nothing for a while, less than what counts as its end."""
        shot, _ = survive(workers, Faults(stall=100, lasting=0.5))

        assert shot.state is RunState.COMPLETE


def check_whole_but_surplus(run):
    assert run.state is RunState.COMPLETE
    assert check_results(run, DATA[:12]).all()
    assert run.latest.losses.surplus == 80
    assert run.latest.losses.flyback == 0


class TestBeginnings:
    """A series begins when its first message comes, whatever that is."""

    @row("header missing / late")
    @pytest.mark.parametrize("protocol", BOTH)
    @pytest.mark.parametrize("shape", [NAV, (-1, 20), None])
    def test_header(self, workers, protocol, shape):
        late, _ = survive(workers, Faults(header_after=30), protocol, nav_shape=NAV)
        if shape is None:
            data = DATA.reshape(-1, *DATA.shape[-2:])[:289].reshape(17, 17, *DATA.shape[-2:])
        else:
            data = DATA
        with (
            Rig(Faults(no_header=True, only=1), protocol, data) as rig,
            workers.stream(rig.endpoint, **(SETTINGS | {"nav_shape": shape})) as stream,
        ):
            rig.arm()
            run = run_next(workers, stream)
            rig.arm()
            check_whole(run_next(workers, stream), data)

        assert late.state is RunState.COMPLETE
        assert run.state is RunState.COMPLETE
        assert check_results(run, data).all()

    @row("mid-series join")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_join(self, workers, protocol):
        shot, sent = survive(workers, Faults(join=90), protocol)

        assert list(sent.lost) == list(range(90))
        before = np.flatnonzero(shot.coverage == PositionState.BEFORE_JOIN)
        assert before.tolist() == list(range(90))
        assert not missing(shot)
        assert "we began to listen at frame 90" in shot.reason

    @row("series re-armed without an end")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_re_armed(self, workers, protocol):
        with (
            Rig(Faults(rearm=120, only=1), protocol) as rig,
            workers.stream(rig.endpoint, **SETTINGS) as stream,
        ):
            rig.arm()
            first = run_next(workers, stream)
            check_whole(run_next(workers, stream))

        check_results(first)
        assert missing(first.latest) == list(range(120, FRAMES))
        assert "began before it ended" in first.latest.reason

    @row("detector restart")
    @pytest.mark.parametrize("protocol", BOTH)
    def test_restart(self, workers, protocol):
        """It goes away in the middle, and counts its series anew when it is back."""
        with (
            Rig(Faults(reboot=120, lasting=0.2, only=1), protocol) as rig,
            workers.stream(rig.endpoint, **SETTINGS) as stream,
        ):
            rig.arm()
            first = run_next(workers, stream)
            second = run_next(workers, stream)
            rig.arm()
            check_whole(run_next(workers, stream))

        check_results(first)
        check_whole(second)
        assert first.latest.merged <= 120
        assert first.reader.acquisition.ident != second.reader.acquisition.ident

    @row("same series id again")
    def test_same_id(self, workers, detector):
        """Stream v1 tells series by a number, which a detector may use again at once."""
        from e2e.wires import wire

        one, two = DATA, DATA[::-1].copy()
        broken = wire(one, "simplon-v1", number=4)[:150]
        messages = [*broken, *wire(two, "simplon-v1", number=4), *wire(one, "simplon-v1", number=4)]
        with workers.stream(detector(messages).endpoint, **SETTINGS) as stream:
            first, second, third = (run_next(workers, stream) for _ in range(3))

        assert check_results(first).reshape(-1)[:149].all()
        check_whole(second, two)
        check_whole(third, one)

    @row("second client steals")
    @pytest.mark.parametrize(("pullers", "words"), [(1, "every second"), (2, "every third")])
    def test_shared(self, workers, pullers, words):
        """The gaps are of one length, and the reason says what that means."""
        shot, sent = survive(workers, Faults(pullers=pullers))

        assert shot.state is RunState.ABORTED
        assert missing(shot) == sorted(sent.lost)
        assert f"only {words} frame came: " in shot.reason
        assert "from the same stream" in shot.reason


class TestScans:
    """Frames and positions are joined by number, whatever the scan engine does."""

    @row("scan flyback / lead-in frames")
    def test_flyback(self, workers):
        settings = {"nav_shape": (-1, 18), "flyback": 2, "lead_in": 20, "scan_order": "snake"}
        faults = Faults(drop=0.03, shuffle=1, within=32, seed=1, only=1)
        with (
            Rig(faults) as rig,
            workers.stream(rig.endpoint, **(SETTINGS | settings)) as stream,
        ):
            rig.arm()
            first = run_next(workers, stream)
            rig.arm()
            second = run_next(workers, stream)

        data = DATA[1:, :18].copy()
        data[1::2] = data[1::2, ::-1]
        assert not check_results(first, data).all()
        assert second.state is RunState.COMPLETE
        assert check_results(second, data).all()
        assert second.latest.losses.flyback == 20 + 14 * 2
        assert second.latest.losses.surplus == 2

    @row("sync offset")
    @pytest.mark.parametrize("offset", [7, -7])
    def test_sync_offset(self, workers, offset):
        """Before the scan, or afterwards; the results are the same where frames are held."""
        with Rig(Faults()) as rig:
            with workers.stream(rig.endpoint, **SETTINGS, sync_offset=offset) as stream:
                rig.arm()
                told = run_next(workers, stream).latest
            with workers.stream(rig.endpoint, **SETTINGS) as stream:
                rig.arm()
                run = run_next(workers, stream)
        rule = run.reader.acquisition.scan
        found = run.fold.refolded(type(rule)(NAV, offset)).fold
        assert found is not None
        later = found.picture(run.state, "", run.reader.losses())

        assert told.state is RunState.COMPLETE
        for name in ("sums", "com"):
            for key, channel in told.results[name].items():
                other = later.results[name][key]
                assert (channel.valid == other.valid).all()
                assert np.array_equal(channel.data, other.data, equal_nan=True)

    @row("position stream desync")
    def test_positions_that_were_told(self, workers):
        """A table of positions; frames lost and shuffled take none of the others along."""
        table = np.random.default_rng(3).permutation(FRAMES)
        faults = Faults(drop=0.05, shuffle=2, within=64, seed=2, only=1)
        with (
            Rig(faults) as rig,
            workers.make_connection("dectris").open(address=rig.endpoint, idle_seconds=2.0) as conn,
        ):
            rig.arm()
            pending = conn.wait_for_acquisition(30)
            aq = workers.make_acquisition(conn, nav_shape=NAV, pending_aq=pending, positions=table)
            run = run_of(workers, aq)
            sent = rig.first

        data = np.empty_like(DATA.reshape(FRAMES, *DATA.shape[-2:]))
        data[table] = DATA.reshape(FRAMES, *DATA.shape[-2:])
        check_results(run, data)
        assert missing(run.latest) == sorted(table[list(sent.lost)].tolist())


def run_of(ctx, aq):
    """The run of an acquisition, at its end."""
    from e2e.fault_matrix.rig import PATIENCE, udfs
    from framefold.engine.run import Run

    run = Run(aq.reader(), udfs(), ctx.pool)
    run.start()
    assert run.join(PATIENCE)
    return run
