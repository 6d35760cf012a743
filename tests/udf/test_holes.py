"""Partitions with holes: who takes them, and where their rows go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold import (
    ApplyMasksUDF,
    CoMUDF,
    PickUDF,
    SumSigUDF,
    SumUDF,
    VirtualDetectorUDF,
)
from framefold.analyses.logsum import LogsumUDF
from framefold.analyses.max import MaxUDF
from framefold.analyses.monitor import PartitionMonitorUDF, SignalMonitorUDF
from framefold.analyses.radial_profile import RadialProfileUDF
from framefold.analyses.record import RecordUDF
from framefold.analyses.stddev import StdDevUDF
from framefold.udf import UDF, AutoUDF, BufferWrapper
from framefold.udf.spec import takes_holes
from udf.driver import Driver

DATA = np.random.default_rng(7).integers(0, 50, (5, 8, 6, 7)).astype(np.uint16)


class Places(UDF):
    """Where each frame was, in all ways that are left to a UDF; a count in a sig buffer."""

    TAKES_HOLES = True

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "place": self.buffer("nav", (2,), np.int64),
            "weight": self.buffer("nav", dtype=np.float64),
            "frames": self.buffer("sig", dtype=np.int64),
            "merges": self.buffer("nav", dtype=np.int64),
        }

    def process_tile(self, tile: np.ndarray) -> None:
        self.results.place[:] = self.meta.coordinates
        self.results.weight[:] = self.params.weights.reshape(len(tile))
        self.results.frames += len(tile)

    def merge(self, dest: Any, src: Any) -> None:
        assert np.array_equal(dest.weight, np.zeros(len(src.weight)))
        assert np.array_equal(self.params.weights.reshape(-1), src.weight)
        dest.place[:] = src.place
        dest.weight = src.weight
        dest.merges[:] += 1
        dest.frames[:] += src.frames


@settings(deadline=None, max_examples=60)
@given(data=st.data(), selected=st.booleans())
def test_rows_go_where_they_belong(data, selected):
    """Any frames in any partitions, selected or not."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    selection = rng.random((5, 8)) < 0.7 if selected else None
    total = 40 if selection is None else int(selection.sum())
    weights = rng.random((5, 8))
    driver = Driver(DATA, Places(weights=Places.aux_data(weights, kind="nav", dtype="float64")),
                    selection=selection)  # fmt: skip
    part_of = rng.integers(-1, 4, total)
    for number in rng.permutation(4):
        rows = np.flatnonzero(part_of == number)
        if len(rows):
            driver.reduction.merge(driver.holed(rows))

    assert not driver.reduction.failures
    found = driver.reduction.results(0)
    there = part_of >= 0
    places = np.stack(np.unravel_index(driver.positions, (5, 8)), axis=1)
    assert np.array_equal(found["place"].raw_data, np.where(there[:, None], places, 0))
    wanted = np.where(there, weights.reshape(-1)[driver.positions], 0)
    assert np.array_equal(found["weight"].raw_data, wanted)
    assert np.array_equal(found["merges"].raw_data, there)
    assert (found["frames"].raw_data == there.sum()).all()
    assert np.array_equal(driver.reduction.damage.raw_data, there)


SHIPPED: dict[type[UDF], Any] = {
    SumUDF: SumUDF,
    SumSigUDF: SumSigUDF,
    CoMUDF: CoMUDF,
    VirtualDetectorUDF: lambda: VirtualDetectorUDF("disk"),
    ApplyMasksUDF: lambda: ApplyMasksUDF([np.arange(42.0).reshape(6, 7)]),
    StdDevUDF: StdDevUDF,
    LogsumUDF: LogsumUDF,
    MaxUDF: MaxUDF,
    RadialProfileUDF: RadialProfileUDF,
    AutoUDF: lambda: AutoUDF(f=np.mean),
}


class TestShipped:
    """What is said of shipped UDFs holds."""

    @pytest.mark.parametrize("cls", SHIPPED)
    def test_the_same_with_and_without_cuts(self, cls):
        assert takes_holes(cls)
        kept = np.flatnonzero(np.random.default_rng(1).random(40) < 0.6)
        holed, cut = Driver(DATA, SHIPPED[cls]()), Driver(DATA, SHIPPED[cls]())
        holed.reduction.merge(holed.holed(kept[kept < 20]))
        holed.reduction.merge(holed.holed(kept[kept >= 20]))
        for number in kept.tolist():
            cut.reduction.merge(cut.part(number, number + 1))

        for name, buffer in cut.reduction.results(0).items():
            found = holed.reduction.results(0)[name]
            np.testing.assert_allclose(found.raw_data, buffer.raw_data, rtol=1e-6)

    @pytest.mark.parametrize("cls", [PickUDF, RecordUDF, SignalMonitorUDF, PartitionMonitorUDF])
    def test_some_want_neighbours(self, cls):
        assert not takes_holes(cls)


class TestTakesHoles:
    """Nobody is surprised by holes."""

    def test_not_unless_it_is_said(self):
        class Silent(UDF):
            def process_frame(self, frame: np.ndarray) -> None: ...

        assert not takes_holes(Silent)

    @pytest.mark.parametrize(
        "hook",
        ["process_tile", "process_frame", "process_partition", "process_native_tile",
         "process_encoded_tile", "merge", "preprocess", "postprocess", "get_task_data",
         "get_worker_data", "cleanup"],
    )  # fmt: skip
    def test_overriding_a_hook_takes_it_back(self, hook):
        override = type("Override", (SumUDF,), {hook: lambda *_: None})

        assert not takes_holes(override)
        assert takes_holes(type("Again", (override,), {"TAKES_HOLES": True}))

    def test_other_names_do_not(self):
        assert takes_holes(type("Named", (SumUDF,), {"colour": "red"}))

    def test_not_where_order_matters(self):
        assert not takes_holes(type("Ordered", (SumUDF,), {"MERGE_ORDER": "partition"}))
