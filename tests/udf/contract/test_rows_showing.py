"""Rows 79, 80, 82, 105 and 106 of the feature table: what people see of UDFs and runs."""

from __future__ import annotations

import cProfile
import importlib
import pstats
import sys
import threading
from typing import Any

import numpy as np
import pytest

from framefold import compat
from framefold.analyses.com import CoMUDF
from framefold.api import Context
from framefold.api.plots import Dummy2DPlot, Live2DPlot
from framefold.compat.pictures import rgb_from_2dvector
from framefold.compat.tracing import maybe_setup_tracing
from framefold.formats.memory import ArrayDataSet
from framefold.representations.contrast import robust_limits
from framefold.udf import UDF, BufferWrapper

RNG = np.random.default_rng(18)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3)).astype(np.float64)


class NavSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum()


def test_row_079_limits_of_colours() -> None:
    """0.1 % quantiles of what is not zero, unless the extremes are within a factor of 10."""
    smooth = np.linspace(1, 5, 10_000)
    assert robust_limits(smooth) == (1, 5)
    assert robust_limits(np.append(smooth, 49)) == (1, 49)
    lower, upper = robust_limits(np.append(smooth, 5000))
    assert lower == 1
    assert 4.99 < upper <= 5
    lower, upper = robust_limits(np.append(-smooth, -5000))
    assert -5 <= lower < -4.99
    assert upper == -1
    sparse = np.zeros(100_000)
    sparse[:3] = 7, 8, 9
    assert robust_limits(sparse) == (0, 9)


@pytest.mark.parametrize("values", [np.full(5, np.nan), np.full(5, np.inf), np.zeros(0)])
def test_row_079_limits_of_nothing(values: np.ndarray) -> None:
    lower, upper = robust_limits(values)
    assert np.isfinite([lower, upper]).all()
    assert lower < upper
    mixed = np.concatenate([values, [2.0, 3.0]])
    assert robust_limits(mixed) == (2, 3)


def test_row_079_vectors_in_colours(ctx: Context) -> None:
    """A plot of a field: direction as hue, length as brightness."""
    udf = CoMUDF.with_params()

    def colours(results: Any, damage: Any) -> tuple[Any, Any]:
        rgb = rgb_from_2dvector(y=results["field_y"].data, x=results["field_x"].data)
        return rgb, damage.data

    plot = Dummy2DPlot(ArrayDataSet(DATA), udf, channel=colours)
    found: Any = ctx.run_udf(ArrayDataSet(DATA), udf, plots=[plot])
    assert plot.data.shape == (4, 5, 3)
    assert plot.data.dtype == np.uint8
    field = {"y": found["field_y"].data, "x": found["field_x"].data}
    assert np.array_equal(plot.data, rgb_from_2dvector(**field))
    assert plot.damage.all()
    angles = np.linspace(0, 2 * np.pi, 7)[:-1]
    hues = rgb_from_2dvector(y=np.sin(angles)[np.newaxis], x=np.cos(angles)[np.newaxis])[0]
    assert len(np.unique(hues, axis=0)) == 6
    lengths = rgb_from_2dvector(x=np.array([[1.0, 0.5, 0.0]]), y=np.zeros((1, 3)), vmax=1)[0]
    long, half, none = lengths.astype(float)
    assert np.ptp(none) == 0  # grey or black: no direction
    assert np.linalg.norm(long - none) > np.linalg.norm(half - none) > 0


@pytest.mark.parametrize("module", ["bqp", "gms"])
def test_row_080_other_plots_say_what_to_use(module: str) -> None:
    compat.activate()
    try:
        with pytest.raises(ImportError, match=r"use libertem\.viz\.mpl"):
            importlib.import_module(f"libertem.viz.{module}")
    finally:
        compat.deactivate()


def test_row_080_plots_of_ones_own() -> None:
    """Whatever else draws can be given as ``plot_class``."""
    drawn: list[np.ndarray] = []

    class Drawn(Live2DPlot):
        def update(self, damage: np.ndarray, force: bool = False) -> None:
            drawn.append(self.data.copy())

    with Context.make_with("inline", plot_class=Drawn) as context:
        context.run_udf(ArrayDataSet(DATA, num_partitions=4), NavSum(), plots=["x"])
    assert len(drawn) >= 2
    assert np.array_equal(drawn[-1], SUMS)


def test_row_082_display(ctx: Context) -> None:
    class Unseen(NavSum):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {
                **super().get_result_buffers(),
                "vectors": self.buffer("nav", (2,), dtype=np.complex64),
                "hidden": self.buffer("single", use="private"),
            }

        def process_frame(self, frame: np.ndarray) -> None:
            raise AssertionError("nothing is processed for a description")

        def merge(self, dest: Any, src: Any) -> None:
            raise AssertionError

    roi = np.eye(4, 5, dtype=bool)
    html = ctx.display(ArrayDataSet(DATA), Unseen(), roi=roi)._repr_html_()
    for told in (
        "Unseen",
        "(4, 5)",
        "(6, 7)",
        "uint16",
        "vectors",
        "nav",
        "complex64",
        "(4, 5, 2)",
    ):
        assert f">{told}<" in html, told
    assert "hidden" not in html


def test_row_105_tracing_is_taken_and_a_report_given(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent anywhere; what its spans tell is in the report of each run."""
    monkeypatch.setenv("OTEL_ENABLE", "1")
    before = threading.active_count()
    maybe_setup_tracing(service_name="test", service_id="1")
    ctx.run_udf(ArrayDataSet(DATA, num_partitions=4), NavSum())
    assert threading.active_count() == before
    assert "opentelemetry" not in sys.modules
    assert ctx.report is not None
    counted = {line.what: line.count for line in ctx.report.lines if line.owner != "all"}
    assert counted["constructor"] == counted["merge"] == 4
    assert counted["process"] >= 4


def test_row_106_profilers_see_inline_work(ctx: Context) -> None:
    where: set[int] = set()

    class Noted(NavSum):
        DRY_RUN = False

        def process_frame(self, frame: np.ndarray) -> None:
            where.add(threading.get_ident())
            super().process_frame(frame)

        def merge(self, dest: Any, src: Any) -> None:
            where.add(threading.get_ident())
            dest.x[:] = src.x

    profile = cProfile.Profile()
    with profile:
        ctx.run_udf(ArrayDataSet(DATA, num_partitions=4), Noted())
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    calls = [(name, count) for (file, _, name), (count, *_) in stats.items() if file == __file__]
    assert where == {threading.get_ident()}
    assert ("merge", 4) in calls
    # the subclass's method, and the one it calls
    assert calls.count(("process_frame", 20)) == 2
