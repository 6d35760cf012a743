"""Rows 70 to 100 of the feature table: runs, and what surrounds them."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import numpy as np
import pytest

from framefold.api import Context
from framefold.core import coordinates
from framefold.core.corrections import CorrectionSet
from framefold.core.detector import correct, correct_dot_masks
from framefold.errors import RepairValueError, UDFRunCancelled
from framefold.formats.memory import ArrayDataSet
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import UDF, BufferWrapper
from udf.driver import Driver

RNG = np.random.default_rng(13)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3)).astype(np.float64)


class NavSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum()


class Fails(NavSum):
    def process_frame(self, frame: np.ndarray) -> None:
        raise ZeroDivisionError("in a frame")


class Misspelt(NavSum):
    def process_frame(self, frame: np.ndarray) -> None:
        self.results.y[:] = frame.sum()


def scan(**options: Any) -> ArrayDataSet:
    return ArrayDataSet(DATA, **{"num_partitions": 4, **options})


def test_row_070_answers(ctx: Context) -> None:
    one: Any = ctx.run_udf(dataset=scan(), udf=NavSum())
    assert isinstance(one, dict)
    several: Any = ctx.run_udf(dataset=scan(), udf=[NavSum(), NavSum()])
    assert isinstance(several, tuple)
    assert [set(r) for r in several] == [{"x"}, {"x"}]
    assert len(ctx.run_udf(dataset=scan(), udf=iter([NavSum()]))) == 1
    with pytest.raises(ValueError, match="empty list of UDFs - nothing to do!"):
        ctx.run_udf(dataset=scan(), udf=[])


def test_row_071_updates(ctx: Context) -> None:
    merged = []
    for update in ctx.run_udf_iter(scan(), NavSum()):
        damage = update.damage.data
        assert damage.shape == (4, 5)
        assert np.array_equal(update.buffers[0]["x"].data[damage], SUMS[damage])
        merged.append(int(damage.sum()))
    assert merged == [5, 10, 15, 20]


def test_row_072_asynchronous(ctx: Context) -> None:
    async def main() -> None:
        result = await ctx.run_udf(scan(), NavSum(), sync=False)
        assert np.array_equal(result["x"].data, SUMS)
        last: Any = None
        async for update in ctx.run_udf_iter(scan(), [NavSum()], sync=False):
            last = update
        assert np.array_equal(last.buffers[0]["x"].data, SUMS)
        both = await asyncio.gather(*(ctx.run_udf(scan(), NavSum(), sync=False) for _ in range(2)))
        assert all(np.array_equal(r["x"].data, SUMS) for r in both)

    asyncio.run(main())


def test_row_073_closing_iterators(ctx: Context) -> None:
    updates = ctx.run_udf_iter(scan(), NavSum())
    first = next(updates)
    updates.close()
    assert list(updates) == []
    assert int(first.damage.data.sum()) >= 5
    updates = ctx.run_udf_iter(scan(), NavSum())
    with pytest.raises(KeyError):
        updates.throw(KeyError("mine"))
    assert np.array_equal(ctx.map(scan(), np.sum).data, SUMS)


def test_row_074_cancelled(two_workers: Context) -> None:
    updates = two_workers.run_udf_iter(scan(num_partitions=20), NavSum())
    first = next(updates)
    updates.cancel()
    with pytest.raises(UDFRunCancelled, match="UDF run cancelled after"):
        list(updates)
    there = first.damage.data
    assert np.array_equal(first.buffers[0]["x"].data[there], SUMS[there])
    assert np.array_equal(two_workers.map(scan(), np.sum).data, SUMS)


@pytest.mark.parametrize("where", ["ctx", "two_workers"])
def test_row_075_exceptions(where: str, request: pytest.FixtureRequest) -> None:
    context: Context = request.getfixturevalue(where)
    with pytest.raises(ZeroDivisionError, match="in a frame") as caught:
        context.run_udf(scan(), Fails())
    told = "".join(getattr(caught.value, "__notes__", []))
    if where == "two_workers":
        assert "process_frame" in told
    assert "partition of scan positions" in told
    result: Any = context.run_udf(scan(), NavSum())
    assert np.array_equal(result["x"].data, SUMS)


def test_row_076_progress(ctx: Context) -> None:
    told: list[Any] = []

    class Reporter:
        def start(self, state: Any) -> None:
            told.append(("start", state))

        def update(self, state: Any) -> None:
            told.append(("update", state))

        def end(self, state: Any) -> None:
            told.append(("end", state))

    ctx.run_udf(scan(), NavSum(), progress=Reporter())
    assert [told[0][0], told[-1][0]] == ["start", "end"]
    assert told[-1][1].num_frames_complete == told[-1][1].num_frames_total == 20


def test_row_077_plots(ctx: Context) -> None:
    from framefold.api.plots import Dummy2DPlot

    udf = NavSum()
    plot = Dummy2DPlot(scan(), udf, channel="x")
    ctx.run_udf(scan(), udf, plots=[plot])
    assert np.array_equal(plot.data, SUMS)


def test_row_078_dry_run() -> None:
    assert Driver(DATA, NavSum()).reduction.mistakes() == {}
    assert Driver(DATA, [NavSum(), Misspelt()]).reduction.mistakes().keys() == {1}
    empty = Driver(DATA, NavSum()).reduction.results(0)["x"]
    assert not empty.data.any()
    assert not empty.valid_mask.any()


def test_row_081_map(ctx: Context) -> None:
    assert np.array_equal(ctx.map(scan(), lambda f: f.sum(axis=0)).data, DATA.sum(axis=2))
    roi = np.eye(4, 5, dtype=bool)
    assert np.isnan(ctx.map(scan(), lambda f: float(f.sum()), roi=roi).data).sum() == 16


def test_row_083_export(ctx: Context, tmp_path: Any) -> None:
    path = tmp_path / "scan.npy"
    ctx.export_dataset(scan(), path=path)
    assert np.array_equal(np.load(path), DATA)
    with pytest.raises(FileExistsError):
        ctx.export_dataset(scan(), path=path)
    with pytest.raises(ValueError, match="npy"):
        ctx.export_dataset(scan(), path=tmp_path / "scan.tif")


def test_row_084_executors_by_name() -> None:
    with Context.make_with("inline") as context:
        assert np.array_equal(context.map(scan(), np.sum).data, SUMS)
    with pytest.raises(ValueError, match="nothing"):
        Context.make_with("nothing")


def test_row_085_everything_can_travel() -> None:
    driver = Driver(DATA, [NavSum(), NavSum()], travel=True)
    assert np.array_equal(driver.run([4])[1]["x"].data, SUMS)
    with pytest.raises((TypeError, pickle.PicklingError)):
        Driver(DATA, NavSum(lock=__import__("threading").Lock()), travel=True).run()


def test_row_087_processes(two_workers: Context) -> None:
    result: Any = two_workers.run_udf(scan(num_partitions=9), [NavSum(), NavSum()])
    for one in result:
        assert np.array_equal(one["x"].data, SUMS)


class TestCorrections:
    """Rows 94 to 98."""

    bad = np.zeros((6, 7), bool)
    bad[0, 0] = bad[3, 2] = bad[3, 3] = True
    dark, gain = RNG.random((6, 7)) * 9, RNG.random((6, 7)) + 0.5
    made = CorrectionSet(dark, gain, bad)
    expected = correct(DATA, dark, gain, bad)

    @pytest.mark.parametrize("where", ["ctx", "two_workers"])
    def test_row_094_argument(self, where: str, request: pytest.FixtureRequest) -> None:
        context: Context = request.getfixturevalue(where)
        result: Any = context.run_udf(scan(), NavSum(), corrections=self.made)
        assert np.allclose(result["x"].data, self.expected.sum(axis=(2, 3), dtype=float))
        mapped = context.map(scan(), np.sum, corrections=self.made)
        assert np.allclose(mapped.data, self.expected.sum(axis=(2, 3)))

    def test_row_094_the_data_sets_own(self, ctx: Context) -> None:
        made = self.made

        class Brings(ArrayDataSet):
            def get_correction_data(self) -> CorrectionSet:
                return made

        own: Any = ctx.run_udf(Brings(DATA), NavSum())
        assert np.allclose(own["x"].data, self.expected.sum(axis=(2, 3), dtype=float))
        off: Any = ctx.run_udf(Brings(DATA), NavSum(), corrections=CorrectionSet())
        assert np.array_equal(off["x"].data, SUMS)

    def test_row_095_maths(self) -> None:
        plain = (DATA - self.dark) * self.gain
        good = ~self.bad
        assert np.allclose(self.expected[..., good], plain[..., good], rtol=1e-5)
        around = [(0, 1), (1, 0), (1, 1)]
        mean = np.mean([plain[..., y, x] for y, x in around], axis=0)
        assert np.allclose(self.expected[..., 0, 0], mean, rtol=1e-5)
        with pytest.raises(RepairValueError):
            CorrectionSet(excluded_pixels=np.ones((6, 7)))

    def test_row_096_repairs_across_cells(self) -> None:
        class Cells(UDF):
            def get_result_buffers(self) -> dict[str, BufferWrapper]:
                return {"s": self.buffer("sig", dtype=np.float64)}

            def get_tiling_preferences(self) -> dict[str, Any]:
                return {"depth": 2, "total_size": 2 * 1 * 7 * 4}  # rows, one by one

            def process_tile(self, tile: np.ndarray) -> None:
                assert tile.shape[1:] == (1, 7)
                self.results.s[:] += tile.sum(axis=0, dtype=np.float64)

            def merge(self, dest: Any, src: Any) -> None:
                dest.s[:] += src.s

        result = Driver(DATA, Cells(), corrections=self.made).run([7])[0]
        assert np.allclose(result["s"].data, self.expected.sum(axis=(0, 1), dtype=float))

    def test_row_097_masks(self) -> None:
        masks = RNG.random((3, 6, 7))
        folded = correct_dot_masks(masks, self.gain, self.bad)
        raw = DATA - self.dark
        assert np.allclose(
            np.tensordot(raw, folded, ((2, 3), (1, 2))),
            np.tensordot(self.expected, masks, ((2, 3), (1, 2))),
        )

    def test_row_098_coordinates(self) -> None:
        assert coordinates.rotate_deg(90).round(12).tolist() == [[0, 1], [-1, 0]]
        matrix = coordinates.scale(2) @ coordinates.rotate(0.3) @ coordinates.flip_y()
        scale, angle, flip = coordinates.scale_rotate_flip_y(matrix)
        assert (round(scale, 9), round(angle, 9), flip) == (2, 0.3, True)


def test_row_100_memory_data_set(ctx: Context) -> None:
    dataset = MemoryDataSet(
        data=DATA, tileshape=(2, 6, 7), num_partitions=3, sig_dims=2, check_cast=True,
        tiledelay=None, force_need_decode=False, array_backends=None, base_shape=None,
    )  # fmt: skip
    result: Any = ctx.run_udf(dataset, NavSum())
    assert np.array_equal(result["x"].data, SUMS)
    zeros: Any = ctx.run_udf(MemoryDataSet(datashape=(3, 4, 5, 6)), NavSum())
    assert zeros["x"].data.tolist() == np.zeros((3, 4)).tolist()
