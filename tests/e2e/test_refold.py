"""Results in another scan, during and after a live run, are those of an offline run with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from e2e.wires import wire
from framefold import SumSigUDF, SumUDF
from framefold.analyses.com import CoMUDF
from framefold.analyses.pick import PickUDF
from framefold.core.coverage import PositionState
from framefold.core.scan_rule import ScanRule
from framefold.core.snapshot import RunState
from framefold.engine.run import Run
from framefold.errors import RunFailedError, ScanError

NAV, SIG = (12, 15), (8, 8)
FRAMES = 180
DATA = np.random.default_rng(5).poisson(4, (*NAV, *SIG)).astype(np.uint16)
FLAT = DATA.reshape(FRAMES, *SIG)


def udfs() -> list[Any]:
    com = CoMUDF.with_params(cx=4, cy=4, r=4, regression=1)
    return [SumSigUDF(), PickUDF(), com, SumUDF()]


def offline(ctx: Any, roi: Any = None, **scan: Any) -> Any:
    data = ctx.load("memory", data=FLAT, sig_dims=2, **scan)
    *_, last = ctx.run_udf_iter(data, udfs(), roi=roi)
    return last


def same(found: Any, wanted: Any) -> None:
    for mine, theirs in zip(found.buffers, wanted.buffers, strict=True):
        for name, buffer in mine.items():
            assert buffer.data.shape == theirs[name].data.shape, name
            assert np.array_equal(buffer.valid_mask, theirs[name].valid_mask), name
            assert np.array_equal(buffer.data, theirs[name].data, equal_nan=True), name


@pytest.fixture(scope="module")
def live(workers: Any) -> Any:
    """The last update of a live run in the shape that the detector had been told."""
    from framefold_simulators.sender import Sender

    with Sender(wire(DATA)) as sender, workers.stream(sender.endpoint, nav_shape=NAV) as stream:
        *_, last = workers.run_udf_iter(stream.next_reader(), udfs())
    return last


class TestAfterwards:
    """Pick and centre of mass, regression and all, are those of an offline run."""

    @pytest.mark.parametrize("shape", [(15, 12), (10, -1), (-1,), (3, 4, 15), (180,)])
    def test_another_shape(self, live, inline, shape):
        found = live.refold(shape)

        if len(found.scan.shape) == 2:
            assert not found.left_out
            same(found, offline(inline, nav_shape=found.scan.shape))
        else:
            assert list(found.left_out) == ["2"]
            assert "need a scan of rows and columns" in found.left_out["2"]
            sums = found.buffers[0]["intensity"].data
            assert (sums == DATA.sum((2, 3)).reshape(shape)).all()
            assert (found.buffers[1]["intensity"].data == FLAT).all()

    @pytest.mark.parametrize("offset", [-7, -1, 4])
    def test_another_offset(self, live, inline, offset):
        found = live.refold(sync_offset=offset)

        # the sum over all frames holds frames that have no place any more
        assert list(found.left_out) == ["3"]
        assert "not held any more" in found.left_out["3"]
        assert found.buffers[3] == {}
        same(found, offline(inline, nav_shape=NAV, sync_offset=offset))

    def test_flyback_and_lead_in(self, live):
        found = live.refold((-1, 14), flyback=1, lead_in=15)

        assert found.scan.shape == (11, 14)
        sums = found.buffers[0]["intensity"].data
        assert (sums == DATA.sum((2, 3))[1:, :14]).all()

    def test_snake(self, live):
        found = live.refold(order="snake")

        turned = DATA.sum((2, 3))
        turned[1::2] = turned[1::2, ::-1]
        assert not found.left_out
        assert (found.buffers[0]["intensity"].data == turned).all()

    def test_a_table_of_positions(self, live):
        order = np.random.default_rng(2).permutation(FRAMES)
        found = live.refold((9, 20), positions=order)

        wanted = np.empty(FRAMES, np.uint64)
        wanted[order] = FLAT.sum((1, 2))
        assert (found.buffers[0]["intensity"].data.reshape(-1) == wanted).all()

    def test_several_frames_at_each_position(self, live):
        found = live.refold((9, 10), frames_per_position=2)

        assert found.scan.shape == (9, 10, 2)
        assert (found.buffers[0]["intensity"].data.reshape(-1) == FLAT.sum((1, 2))).all()

    def test_with_a_region_of_interest(self, inline):
        roi = np.random.default_rng(3).random(NAV) < 0.4
        here = offline(inline, roi, nav_shape=NAV)
        found = here.refold((20, 9))

        same(found, offline(inline, roi.reshape(20, 9), nav_shape=(20, 9)))

    def test_the_run_stays_as_it_is(self, live, inline):
        live.refold((15, 12))

        same(live, offline(inline, nav_shape=NAV))

    @pytest.mark.parametrize("shape", [(7, -1, -1, -1), (10_000, 10_000), (0, 5)])
    def test_that_cannot_be(self, live, shape):
        with pytest.raises(ScanError):
            live.refold(shape)


class TestMeanwhile:
    """While frames come, what is there already is shown in the other scan."""

    def test_half_a_scan(self, workers, detector):
        messages = wire(DATA)
        sender = detector(messages[:91])
        settings = {"nav_shape": NAV, "update_seconds": 0.02}
        with workers.stream(sender.endpoint, **settings) as stream:
            updates = workers.run_udf_iter(stream.next_reader(), SumSigUDF())
            for update in updates:
                if update.damage.data.sum() == 90:
                    break
            found = updates.refold((15, 12), sync_offset=2)
            updates.close()

        sums = np.zeros(FRAMES, np.uint64)
        sums[:88] = FLAT[2:90].sum((1, 2))
        assert (found.buffers[0]["intensity"].data.reshape(-1) == sums).all()
        assert found.damage.data.sum() == 88

    def test_with_holes(self, workers, detector):
        order = np.delete(np.arange(FRAMES), [3, 50, 179])
        sender = detector(wire(DATA, order=order))
        with workers.stream(sender.endpoint, nav_shape=NAV) as stream:
            run = Run(stream.next_reader(), {"sum": SumSigUDF(), "all": SumUDF()}, workers.pool)
            run.start()
            assert run.join(30)
        snapshot = run.refolded(ScanRule((15, -1), -12))

        assert snapshot.state is RunState.ABORTED
        assert snapshot.acquisition.nav_shape == (15, 12)
        states = snapshot.coverage.reshape(-1)
        assert (states[:12] == PositionState.MISSING).all()
        assert np.flatnonzero(states[12:] == PositionState.MISSING).tolist() == [3, 50]
        assert "all" not in snapshot.results
        (failure,) = snapshot.failures
        assert failure.udf == "all"

    def test_nothing_left(self, workers, detector):
        sender = detector(wire(DATA))
        with workers.stream(sender.endpoint, nav_shape=NAV) as stream:
            run = Run(stream.next_reader(), {"all": SumUDF()}, workers.pool)
            run.start()
            assert run.join(30)

        with pytest.raises(RunFailedError, match="not held any more"):
            run.refolded(ScanRule(NAV, 3))


class TestEstimate:
    """Where lines begin is found in what a run sums up."""

    def test_line_and_offset(self, workers, detector):
        y, x = np.mgrid[:24, :32]
        image = 40 + 3 * x + 20 * (np.hypot(y - 12, x - 20) < 6)
        frames = np.repeat(image.reshape(-1, 1, 1), 4, 1).repeat(4, 2).astype(np.uint16)
        shifted = np.concatenate([frames[-9:], frames[:-9]]).reshape(16, 48, 4, 4)
        sender = detector(wire(shifted))
        with workers.stream(sender.endpoint, nav_shape=(16, 48)) as stream:
            *_, last = workers.run_udf_iter(stream.next_reader(), [SumUDF(), SumSigUDF()])
        found = last.estimate_scan()
        again = last.refold((-1, found.line), sync_offset=found.offset)

        assert (found.line, found.offset) == (32, 9)
        assert (again.buffers[1]["intensity"].data[0] == image[0] * 16).all()
