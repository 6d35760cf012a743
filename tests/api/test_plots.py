"""Live plots: what they are given, how often, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framefold import CoMUDF, Context, SumSigUDF, SumUDF
from framefold.analyses.noop import NoOpUDF
from framefold.api import Dummy2DPlot, Live2DPlot
from framefold.api.plots import get_plottable_2D_channels
from framefold.errors import ParameterError
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import AutoUDF

ARRAY = np.random.default_rng(1).integers(0, 9, (6, 5, 4, 3)).astype(np.uint16)
DATA = MemoryDataSet(ARRAY, num_partitions=6)


class Kept(Dummy2DPlot):
    """Keeps every picture; of all plots made."""

    made: list[Kept] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pictures: list[tuple[NDArray[Any], NDArray[np.bool_], bool]] = []
        self.displayed = 0
        Kept.made.append(self)

    def display(self) -> None:
        self.displayed += 1

    def update(self, damage: NDArray[np.bool_], force: bool = False) -> None:
        self.pictures.append((self.data.copy(), damage.copy(), force))


@pytest.fixture
def ctx() -> Iterator[Context]:
    """A context whose plots are kept."""
    Kept.made = []
    with Context(executor=Context.inline().executor, plot_class=Kept) as context:
        yield context


class TestPlots:
    """What ``plots=`` asks for."""

    def test_everything_that_is_a_picture(self, ctx: Context) -> None:
        ctx.run_udf(DATA, [SumUDF(), SumSigUDF()], plots=True)

        assert [plot.title for plot in Kept.made] == ["SumUDF: intensity", "SumSigUDF: intensity"]
        for plot, truth in zip(Kept.made, (ARRAY.sum((0, 1)), ARRAY.sum((2, 3))), strict=True):
            assert plot.displayed == 1
            assert np.array_equal(plot.data, truth)
            assert [force for _, _, force in plot.pictures] == [False] * 6 + [True]

    def test_pictures_know_where_they_are_valid(self, ctx: Context) -> None:
        ctx.run_udf(DATA, SumSigUDF(), plots=["intensity"])

        (plot,) = Kept.made
        assert [int(valid.sum()) for _, valid, _ in plot.pictures] == [5, 10, 15, 20, 25, 30, 30]

    def test_functions(self, ctx: Context) -> None:
        udf = SumUDF()
        ctx.run_udf(
            DATA, udf, plots=[("intensity", np.sqrt), lambda r, d: (r["intensity"].data.T, d)]
        )

        assert np.allclose(Kept.made[0].data, np.sqrt(ARRAY.sum((0, 1))))
        assert Kept.made[0].title == "SumUDF: intensity sqrt"
        assert Kept.made[1].data.shape == (3, 4)
        assert Kept.made[1].damage.all()

    def test_lists_for_several(self, ctx: Context) -> None:
        ctx.run_udf(DATA, [NoOpUDF(), SumUDF(), SumSigUDF()], plots=[[], ["intensity"]])

        assert [type(plot.get_udf()) for plot in Kept.made] == [SumUDF]

    def test_a_nested_list_for_one(self, ctx: Context) -> None:
        ctx.run_udf(DATA, SumUDF(), plots=[["intensity"]])

        assert len(Kept.made) == 1

    def test_objects(self, ctx: Context) -> None:
        udf = SumSigUDF()
        plot = Dummy2DPlot(DATA, udf, channel="intensity", title="mine")
        ctx.run_udf(DATA, [SumUDF(), udf], plots=[plot])

        assert plot.title == "mine"
        assert plot.updates == 7
        assert np.array_equal(plot.data, ARRAY.sum((2, 3)))

    def test_vectors_in_one_direction(self, ctx: Context) -> None:
        ctx.run_udf(DATA, CoMUDF(), plots=[("field", lambda field: field[..., 0])])

        assert Kept.made[0].data.shape == (6, 5)

    def test_nothing_to_plot_is_said(self, ctx: Context) -> None:
        with pytest.warns(UserWarning, match="No plottable channels found for UDF NoOpUDF"):
            ctx.run_udf(DATA, NoOpUDF(), plots=True)

    def test_while_iterating_and_awaited(self, ctx: Context) -> None:
        updates = list(ctx.run_udf_iter(DATA, SumUDF(), plots=True))

        assert len(updates) == 6
        assert len(Kept.made[0].pictures) == 7

    def test_monitor_of_nothing(self, ctx: Context) -> None:
        """The results before the first frame can be shown, too."""
        ctx.run_udf(DATA, AutoUDF(f=np.array, monitor=True), plots=["monitor"])

        assert np.array_equal(Kept.made[0].data, ARRAY[-1, -1])

    @pytest.mark.parametrize(
        ("plots", "told"),
        [
            (["intensty"], "has no channel 'intensty'; did you mean 'intensity'"),
            ([("intensty", np.abs)], "did you mean 'intensity'"),
            ([("intensity", np.sum)], r"intensity sum cannot be plotted, it has shape \(\)"),
            (["intensity", ["intensity"]], "is no channel; give a name"),
            ("intensity", "give True, or a list"),
        ],
    )
    def test_refusals(self, ctx: Context, plots: Any, told: str) -> None:
        if plots == ["intensity", ["intensity"]]:
            plots = [["intensity"], ["intensity"]]
        with pytest.raises((ParameterError, ValueError), match=told):
            ctx.run_udf(DATA, SumUDF(), plots=plots)

    def test_the_plot_of_another_udf(self, ctx: Context) -> None:
        plot = Dummy2DPlot(DATA, SumUDF())
        with pytest.raises(ParameterError, match="the same instance"):
            ctx.run_udf(DATA, SumUDF(), plots=[plot])


class TestLive2DPlot:
    """One plot."""

    def test_first_picture_of_a_udf(self) -> None:
        plot = Live2DPlot(DATA, CoMUDF())

        assert plot.channel == "field_y" or isinstance(plot.channel, str)
        assert plot.data.ndim == 2

    def test_of_no_picture(self) -> None:
        with pytest.raises(ParameterError, match="no channel that is a picture"):
            Live2DPlot(DATA, NoOpUDF())

    def test_not_more_often_than_said(self) -> None:
        with Context.inline() as ctx:
            udf = SumUDF()
            plot = Dummy2DPlot(DATA, udf, min_delta=1000)
            ctx.run_udf(DATA, udf, plots=[plot])

        assert plot.updates == 2  # the first and the last

    def test_colours(self) -> None:
        plot = Dummy2DPlot(
            DATA, SumUDF(), channel=lambda r, d: (np.zeros((4, 3, 3), np.uint8), True)
        )

        assert plot.damage.shape == (4, 3)

    def test_base_draws_nothing(self) -> None:
        plot = Live2DPlot(DATA, SumUDF())
        with pytest.raises(NotImplementedError, match="must define update"):
            plot.update(plot.damage)

    def test_region_of_interest(self) -> None:
        plot = Live2DPlot(DATA, SumSigUDF(), roi=DATA.roi[0])

        assert not plot.damage[1:].any()


def test_which_channels_are_pictures() -> None:
    with Context.inline() as ctx:
        results = ctx.run_udf(DATA, CoMUDF())

    assert isinstance(results, dict)
    found = get_plottable_2D_channels(results)
    assert "magnitude" in found
    assert "field" not in found


def test_matplotlib_is_not_imported_by_itself() -> None:
    code = "import sys, framefold.api; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.skipif(find_spec("matplotlib") is not None, reason="matplotlib is installed")
def test_without_matplotlib() -> None:
    with Context.inline() as ctx, pytest.raises(ImportError, match="plots need matplotlib"):
        ctx.run_udf(DATA, SumUDF(), plots=True)


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
@pytest.mark.filterwarnings("ignore")  # what matplotlib warns of is its own
def test_with_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    from framefold.api.matplotlib_plot import MPLLive2DPlot

    with Context.inline() as ctx:
        udf = SumUDF()
        plot = MPLLive2DPlot(DATA, udf, min_delta=0)
        ctx.run_udf(DATA, udf, plots=[plot])

    shown = plot.fig.axes[0].images[0]
    assert np.array_equal(shown.get_array(), ARRAY.sum((0, 1)))
    assert plot.fig.axes[0].get_title() == "SumUDF: intensity"
