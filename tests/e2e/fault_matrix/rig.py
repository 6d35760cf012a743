"""A simulated detector with faults, over a real socket, and what must come of it."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from framefold import SumSigUDF, SumUDF
from framefold.analyses.com import CoMUDF
from framefold.core.coverage import PositionState
from framefold.core.snapshot import RunState, Snapshot
from framefold.engine.run import Run
from framefold.udf import UDF
from framefold_simulators.detector import Detector, Finished, Recipe
from framefold_simulators.faults import Faults
from framefold_simulators.sender import Outlet
from framefold_simulators.series import Series
from framefold_simulators.sources import Recorded

NAV, SIG = (16, 20), (16, 24)
FRAMES = 320
DATA = np.random.default_rng(11).poisson(5, (*NAV, *SIG)).astype(np.uint16)
SETTINGS: dict[str, Any] = {
    "nav_shape": NAV, "frames_per_block": 32, "update_seconds": 0.05, "idle_seconds": 2.0,
}  # fmt: skip
PATIENCE = 60.0
BOTH = ("simplon-v1", "simplon-v2")


class Rig:
    """A detector that takes the same frames in every series; faults are in the first alone."""

    def __init__(
        self,
        faults: Faults,
        protocol: Any = "simplon-v2",
        data: NDArray[Any] = DATA,
        *,
        rate: float | None = None,
        **facts: Any,
    ) -> None:
        self.finished: list[Finished] = []
        self.outlet = Outlet()
        source = Recorded(data)
        recipe = Recipe(protocol, source, rate, faults=faults)
        series = Series(0, source.scan, source.sig_shape, source.dtype, **facts)
        self.detector = Detector(self.outlet, recipe, series, self.finished.append)

    @property
    def endpoint(self) -> str:
        return self.outlet.endpoint

    def arm(self) -> None:
        """Send the next series once the one before is out."""
        assert self.detector.wait(PATIENCE)
        self.detector.arm()

    @property
    def first(self) -> Finished:
        """How the first series went out; waits for it."""
        assert self.detector.wait(PATIENCE)
        return self.finished[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.outlet.stopping.set()
        self.detector.stop()
        self.outlet.close(0)


def udfs() -> dict[str, UDF]:
    """A nav result, a sig result, and one made of several."""
    return {"sums": SumSigUDF(), "pattern": SumUDF(), "com": CoMUDF.with_params(cx=12, cy=8, r=6)}


def run_next(ctx: Any, stream: Any, chosen: dict[str, UDF] | None = None) -> Run:
    """The run of the acquisition that comes next, at its end."""
    run = Run(stream.next_reader(), chosen or udfs(), ctx.pool)
    run.start()
    assert run.join(PATIENCE)
    return run


def check_results(run: Run, data: NDArray[Any] = DATA) -> NDArray[np.bool_]:
    """Every result is right for the positions that it says it is of, which are given."""
    shot = run.latest
    merged = shot.coverage == PositionState.MERGED
    frames = data.reshape(*merged.shape, *data.shape[-2:])
    sums = shot.results["sums"]["intensity"]
    assert (sums.valid == merged).all()
    assert (sums.data[merged] == frames.sum((-2, -1))[merged]).all()
    assert (shot.results["pattern"]["intensity"].data == frames[merged].sum(0)).all()
    assert shot.merged == np.count_nonzero(merged)
    assert (shot.results["com"]["field"].valid[..., 0] == merged).all()
    return merged


def check_whole(run: Run, data: NDArray[Any] = DATA) -> None:
    """A run of a series without faults is complete, and nothing of it is lost."""
    assert run.state is RunState.COMPLETE, run.latest.reason
    assert check_results(run, data).all()
    lost = {name: n for name, n in run.latest.losses.as_dict().items() if n}
    assert lost.pop("received") == data[..., 0, 0].size
    # the last frames of the series before may come at any time, and the order is always the same
    lost.pop("stale", None)
    lost.pop("late", None)
    assert not lost


def survive(
    ctx: Any, faults: Faults, protocol: Any = "simplon-v2", **settings: Any
) -> tuple[Snapshot, Finished]:
    """Take one series with faults and one without.

    The results of the first must be right where they say they are, the second must be whole.

    Returns
    -------
    Snapshot
        The last one of the first series.
    Finished
        What the detector says of it.
    """
    only = replace(faults, only=1)
    with Rig(only, protocol) as rig, ctx.stream(rig.endpoint, **(SETTINGS | settings)) as stream:
        rig.arm()
        first = run_next(ctx, stream)
        rig.arm()
        check_whole(run_next(ctx, stream))
        check_results(first)
        return first.latest, rig.first


def missing(shot: Snapshot) -> list[int]:
    """Flat positions that have no frame."""
    return np.flatnonzero(shot.coverage == PositionState.MISSING).tolist()
