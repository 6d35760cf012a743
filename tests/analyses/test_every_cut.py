from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyses.cuts import bits, scan, ways_to_cut
from framefold.analyses import UDFS
from framefold.analyses.com import CoMUDF
from framefold.analyses.crystallinity import CrystallinityUDF
from framefold.analyses.fem import FEMUDF
from framefold.analyses.logsum import LogsumUDF
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.max import MaxUDF
from framefold.analyses.monitor import PartitionMonitorUDF, SignalMonitorUDF
from framefold.analyses.noop import NoOpUDF
from framefold.analyses.pick import PickUDF
from framefold.analyses.pick_shifted import PickShiftedUDF
from framefold.analyses.radial_profile import RadialProfileUDF
from framefold.analyses.record import RecordUDF
from framefold.analyses.stddev import StdDevUDF
from framefold.analyses.sum import SumUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.analyses.virtual_detector import VirtualDetectorUDF
from framefold.core.corrections import CorrectionSet
from framefold.udf import UDF
from framefold.udf.dry_run import tried
from udf.driver import Driver

DATA = scan("uint8")
SHIFTS = np.random.default_rng(5).integers(-9, 9, (4, 5, 2))
STACK = np.random.default_rng(6).integers(0, 9, (3, 9, 11))
FEW = STACK * (np.random.default_rng(7).random((3, 9, 11)) < 0.04)

MAKERS: dict[str, Callable[[], UDF]] = {
    "com": lambda: CoMUDF.with_params(r=4),
    "crystallinity": lambda: CrystallinityUDF(1, 3, (4, 5), 2),
    "fem": lambda: FEMUDF((4, 5), 1, 4),
    "logsum": LogsumUDF,
    "masks": lambda: ApplyMasksUDF(STACK),
    "masks, sparse": lambda: ApplyMasksUDF(FEW, use_sparse=True),
    "masks, shifted": lambda: ApplyMasksUDF(STACK, shifts=SHIFTS),
    "masks, sparse and shifted": lambda: ApplyMasksUDF(FEW, use_sparse=True, shifts=(1, -2)),
    "max": MaxUDF,
    "max, nav": lambda: MaxUDF("nav"),
    "noop": NoOpUDF,
    "pick": PickUDF,
    "pick_shifted": lambda: PickShiftedUDF(SHIFTS),
    "radial_profile": RadialProfileUDF,
    "signal_monitor": SignalMonitorUDF,
    "stddev": StdDevUDF,
    "sum": SumUDF,
    "sumsig": SumSigUDF,
    "virtual_detector": lambda: VirtualDetectorUDF("ring", ri=1, ro=4),
}
# what these leave behind depends on the cut by what they are for
APART = {"partition_monitor", "record"}

WHOLE = {name: bits(DATA, make) for name, make in MAKERS.items()}


def in_cells(udf: UDF, cell: tuple[int, int], depth: int) -> Driver:
    """A run whose frames are cut as well, unless the UDF needs them whole."""
    driver = Driver(DATA, udf)
    spec = driver.reduction.spec
    whole = (9, 11)
    cell = cell if spec.intent == "tile" else whole
    driver.reduction._spec = dataclasses.replace(spec, cell=cell, depth=depth)
    return driver


def converted(udf: UDF) -> UDF:
    """The same, but asking for frames in the run's dtype: these are what may be cut."""

    class Converted(type(udf)):  # type: ignore[misc]
        def process_tile(self, tile: np.ndarray) -> None:
            super().process_tile(tile)

    if not hasattr(udf, "process_tile"):
        return udf
    return Converted(**udf.stored_kwargs)


cells = st.tuples(st.integers(3, 9), st.integers(4, 11))


class TestEveryShippedUDF:
    """Where the scan, the frames and time are cut leaves no trace in results of integers."""

    def test_none_is_forgotten(self) -> None:
        assert {name.split(",")[0] for name in MAKERS} | APART == set(UDFS.names())

    @pytest.mark.parametrize("name", MAKERS)
    @settings(max_examples=6, deadline=None)
    @given(way=ways_to_cut(20), cell=cells)
    def test_cuts_leave_no_trace(
        self, name: str, way: tuple[list[int], int, list[int]], cell: tuple[int, int]
    ) -> None:
        cuts, depth, order = way
        driver = in_cells(converted(MAKERS[name]()), cell, depth)

        results = driver.run(cuts, order)[0]

        found = {key: np.ascontiguousarray(b.data).tobytes() for key, b in results.items()}
        if name == "stddev":
            # once converted, frames may have fractions, whose sums are not exact
            expected = np.frombuffer(WHOLE[name]["std"], np.float64)
            np.testing.assert_allclose(results["std"].data.ravel(), expected, rtol=1e-12)
        else:
            assert found == WHOLE[name]

    @settings(max_examples=6, deadline=None)
    @given(cell=cells)
    def test_partition_monitor_in_cells(self, cell: tuple[int, int]) -> None:
        result = in_cells(converted(PartitionMonitorUDF()), cell, 3).run([12])[0]["intensity"]

        assert np.array_equal(result.data, DATA.reshape(20, 9, 11)[12:].sum(axis=0))

    @settings(
        max_examples=6,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(cell=cells)
    def test_record_in_cells(self, tmp_path: Path, cell: tuple[int, int]) -> None:
        in_cells(converted(RecordUDF(tmp_path / "scan.npy")), cell, 3).run([12])

        assert np.array_equal(np.load(tmp_path / "scan.npy"), DATA)

    @pytest.mark.parametrize("name", [n for n in MAKERS if n != "noop"])
    def test_nothing_yet_and_nothing_selected(self, name: str) -> None:
        nothing = np.zeros((4, 5), bool)

        before = Driver(DATA, MAKERS[name]()).reduction.results(0)
        without = Driver(DATA, MAKERS[name](), selection=nothing).run()[0]

        assert set(before) == set(without) == set(WHOLE[name])

    @pytest.mark.parametrize("name", MAKERS)
    def test_a_subclass_goes_through_the_dry_run(self, name: str) -> None:
        shipped = MAKERS[name]()
        derived = type("Derived", (type(shipped),), {})  # which is of this module, thus tried
        shipped.__class__ = derived
        driver = Driver(DATA, shipped)
        assert tried(driver.reduction.spec) == (0,)

        assert driver.reduction.mistakes() == {}

        assert driver.reduction.merged == 0

    @pytest.mark.parametrize("name", MAKERS)
    def test_corrected_frames(self, name: str) -> None:
        rng = np.random.default_rng(2)
        dark, gain = rng.random((9, 11)).astype("f4"), rng.random((9, 11)).astype("f4")
        corrections = CorrectionSet(dark=dark, gain=gain)

        found = Driver(DATA, MAKERS[name](), corrections=corrections).run([7])[0]

        corrected = (DATA.astype("f4") - dark) * gain
        expected = Driver(corrected, MAKERS[name]()).run([7])[0]
        assert set(found) == set(expected)
        for key, values in expected.items():
            assert found[key].dtype == values.dtype
            np.testing.assert_allclose(
                found[key].data, values.data, rtol=1e-5, atol=1e-5, err_msg=key
            )
