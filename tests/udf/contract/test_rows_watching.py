"""Rows 5, 73, 76 and 77 of the feature table in depth: partitions, iterators, bars, plots."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from framefold.api import Context
from framefold.api.plots import Dummy2DPlot
from framefold.formats.memory import ArrayDataSet
from framefold.udf import UDF, BufferWrapper

RNG = np.random.default_rng(22)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3)).astype(np.float64)


class Several(UDF):
    """A picture, a field of vectors, and what is no picture."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {
            "x": self.buffer("nav", dtype=np.float64),
            "vector": self.buffer("nav", (2,), dtype=np.float64),
            "n": self.buffer("single", dtype=np.int64),
            "text": self.buffer("nav", dtype="U4"),
        }

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum()
        self.results.vector[:] = frame.sum(), 2 * frame.sum()
        self.results.n += 1

    def merge(self, dest: Any, src: Any) -> None:
        dest.x[:], dest.vector[:] = src.x, src.vector
        dest.n += src.n


class Single(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"n": self.buffer("single")}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.n += 1

    def merge(self, dest: Any, src: Any) -> None:
        dest.n += src.n


def scan(**options: Any) -> ArrayDataSet:
    return ArrayDataSet(DATA, **{"num_partitions": 4, **options})


@pytest.fixture
def shown() -> list[Dummy2DPlot]:
    return []


@pytest.fixture
def plotting(ctx: Context, shown: list[Dummy2DPlot], monkeypatch: pytest.MonkeyPatch) -> Context:
    def make(*args: Any, **kwargs: Any) -> Dummy2DPlot:
        shown.append(Dummy2DPlot(*args, **kwargs))
        return shown[-1]

    monkeypatch.setattr(ctx, "_plot_class", make)
    return ctx


def test_row_005_more_partitions_than_frames(ctx: Context) -> None:
    with pytest.warns(RuntimeWarning, match="partition"):
        updates = list(ctx.run_udf_iter(scan(num_partitions=50), Several()))
    assert len(updates) == 20
    assert np.array_equal(updates[-1].buffers[0]["x"].data, SUMS)


def test_row_073_asynchronous_iterators(ctx: Context) -> None:
    async def main() -> None:
        updates = ctx.run_udf_iter(scan(), Several(), sync=False)
        first = await anext(updates)
        assert first.damage.data.any()
        await updates.aclose()
        assert [update async for update in updates] == []
        updates = ctx.run_udf_iter(scan(), Several(), sync=False)
        await anext(updates)
        with pytest.raises(KeyError, match="mine"):
            await updates.athrow(KeyError("mine"))
        assert [update async for update in updates] == []

    asyncio.run(main())
    assert np.array_equal(ctx.map(scan(), np.sum).data, SUMS)


def test_row_076_bar(ctx: Context, capsys: pytest.CaptureFixture[str]) -> None:
    ctx.run_udf(scan(), Several(), progress=True)
    told = capsys.readouterr().err
    assert "4/4" in told
    assert "20/20" in told
    ctx.run_udf(scan(), Several())
    assert capsys.readouterr().err == ""


def test_row_077_every_picture(plotting: Context, shown: list[Dummy2DPlot]) -> None:
    plotting.run_udf(scan(), Several(), plots=True)
    assert [plot.channel for plot in shown] == ["x"]
    assert np.array_equal(shown[0].data, SUMS)
    assert shown[0].damage.all()
    assert shown[0].updates >= 2


def test_row_077_channels_of_several(plotting: Context, shown: list[Dummy2DPlot]) -> None:
    def longest(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(np.hypot(vectors[..., 0], vectors[..., 1]))

    plots = [["x", ("vector", longest)], []]
    plotting.run_udf(scan(), [Several(), Several()], plots=plots)
    assert [np.array_equal(plot.data, SUMS) for plot in shown] == [True, False]
    assert np.allclose(shown[1].data, np.sqrt(5) * SUMS)


def test_row_077_updates_know_what_is_there(ctx: Context) -> None:
    seen: list[Any] = []

    class Noted(Dummy2DPlot):
        def update(self, damage: np.ndarray, force: bool = False) -> None:
            seen.append((int(damage.sum()), force))
            assert np.array_equal(self.data[damage], SUMS[damage])

    udf = Several()
    ctx.run_udf(scan(), udf, plots=[Noted(scan(), udf, channel="x")])
    counts = [count for count, _ in seen]
    assert counts == sorted(counts)
    assert seen[-1] == (20, True)


@pytest.mark.parametrize("plots", [["y"], ["n"], ["vector"], [("x", np.sum)]])
def test_row_077_what_is_no_picture(ctx: Context, plots: Any) -> None:
    with pytest.raises(ValueError, match=r"Several"):
        ctx.run_udf(scan(), Several(), plots=plots)


def test_row_077_nothing_to_plot(plotting: Context, shown: list[Dummy2DPlot]) -> None:
    with pytest.warns(UserWarning, match="No plottable channels found"):
        plotting.run_udf(scan(), Single(), plots=True)
    assert shown == []
