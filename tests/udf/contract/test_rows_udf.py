"""Rows 29 to 69 of the feature table: the class that users write.

The tables of call order, of ``meta`` and of views are measured in ``test_bound_udf.py`` and
``test_meta.py``; here they are held on a whole system.
"""

from __future__ import annotations

from typing import Any

import cloudpickle
import numpy as np
import pytest

from framefold.api import Context
from framefold.core.corrections import CorrectionSet
from framefold.core.shape import Shape, Slice
from framefold.errors import InvalidMaskError, UDFException
from framefold.formats.memory import ArrayDataSet
from framefold.udf import (
    UDF,
    AutoUDF,
    BufferWrapper,
    UDFFrameMixin,
    UDFMergeAllMixin,
    UDFPartitionMixin,
    UDFPostprocessMixin,
    UDFPreprocessMixin,
    UDFTileMixin,
    UseDiscouragedWarning,
    check_cast,
    reshaped_view,
)
from udf.driver import Driver, run_udf

RNG = np.random.default_rng(12)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3)).astype(np.float64)
SIG_SUM = DATA.sum(axis=(0, 1)).astype(np.float64)


class NavSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.x[:] = frame.sum()


class SigSum(UDF):
    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"s": self.buffer("sig", dtype=np.float64)}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.s[:] += frame

    def merge(self, dest: Any, src: Any) -> None:
        dest.s[:] += src.s


def test_row_029_params() -> None:
    class Params(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            assert self.params.get("b", 7) == 7
            assert "a" in self.params
            with pytest.raises(AttributeError):
                _ = self.params.b
            self.results.x[:] = frame.sum() * self.params.a

    assert np.array_equal(run_udf(DATA, Params(a=3))["x"].data, 3 * SUMS)
    with pytest.raises(TypeError):
        Params(3)  # type: ignore[misc,call-arg]


def test_row_030_constructor_runs_again() -> None:
    class Made(NavSum):
        made = 0

        def __init__(self, a: int, b: int = 2) -> None:
            Made.made += 1
            super().__init__(a=a, b=b)
            self.outside = a

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = self.params.a + self.params.b + self.outside

    udf = Made(1)
    udf.outside = 100  # never reaches a worker
    assert (run_udf(DATA, udf, [3, 9])["x"].data == 4).all()
    assert Made.made == 4
    assert udf.copy().params.b == 2
    part = Slice((3, 0, 0), Shape((4, 6, 7), 2))
    assert udf.copy_for_partition(part, None).params.a == 1

    class Wrong(NavSum):
        def __init__(self, a: int) -> None:
            super().__init__(other=a)

    with pytest.raises(TypeError):
        run_udf(DATA, Wrong(1))


@pytest.mark.parametrize(
    ("row", "name", "shapes"),
    [
        (31, "process_frame", [(6, 7)] * 20),
        (32, "process_tile", [(3, 6, 7), (17, 6, 7)]),
        (33, "process_partition", [(3, 6, 7), (17, 6, 7)]),
    ],
)
def test_row_031_to_033_process(row: int, name: str, shapes: list[Any]) -> None:
    seen: list[Any] = []

    def process(self: Any, array: np.ndarray) -> str:
        seen.append(array.shape)
        assert array.dtype == np.float32
        self.results.x[:] = array.sum(axis=(-2, -1))
        return "nobody looks at it"

    class Kind(UDF):
        get_result_buffers = NavSum.get_result_buffers

    setattr(Kind, name, process)
    assert np.allclose(run_udf(DATA, Kind(), [3])["x"].data, SUMS)
    assert seen == shapes


def test_row_034_methods() -> None:
    class All(NavSum):
        def process_tile(self, tile: np.ndarray) -> None:
            self.results.x[:] = 1

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = 2

        def process_partition(self, partition: np.ndarray) -> None:
            self.results.x[:] = 3

        def get_method(self) -> Any:
            return self.params.get("method", super().get_method())

    assert run_udf(DATA, All())["x"].data[0, 0] == 1
    for method, value in [("FRAME", 2), ("PARTITION", 3), ("TILE", 1)]:
        udf = All(method=UDF.UDF_METHOD[method])
        assert run_udf(DATA, udf)["x"].data[0, 0] == value
    with pytest.raises(UDFException):
        run_udf(DATA, All(method="frame"))

    class Nothing(UDF):
        get_result_buffers = NavSum.get_result_buffers

    with pytest.raises(TypeError, match="process_tile, process_frame, process_partition"):
        run_udf(DATA, Nothing())


def test_row_035_declarations_are_required() -> None:
    with pytest.raises(NotImplementedError):
        UDF().get_result_buffers()


def test_row_036_and_037_kinds_and_extra_shapes() -> None:
    shape = Shape((2, 3), 1)

    class Kinds(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {
                f"{kind}_{i}": self.buffer(kind, extra)
                for kind in ("nav", "sig", "single")
                for i, extra in enumerate([(), (2, 3), shape, (0,), (2, 0)])
            }

        def process_frame(self, frame: np.ndarray) -> None:
            pass

        def merge(self, dest: Any, src: Any) -> None:
            pass

    results = run_udf(DATA, Kinds())
    for kind, lead in [("nav", (4, 5)), ("sig", (6, 7)), ("single", ())]:
        extras = [(), (2, 3), (2, 3), (0,), (2, 0)]
        for i, extra in enumerate(extras):
            expected = (*lead, *extra) or (1,)
            assert results[f"{kind}_{i}"].data.shape == expected
    with pytest.raises(ValueError, match="unknown kind"):
        BufferWrapper("scan").shape_for(1, (1,))


@pytest.mark.parametrize(
    "dtype",
    ["?", "i1", "u8", "f2", "f4", "c16", object, "U3", "S5", "M8[s]", "m8[s]", [("a", "i4")]],
)
@pytest.mark.parametrize("travel", [False, True])
def test_row_038_any_dtype(dtype: Any, travel: bool) -> None:
    class Typed(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer("nav", dtype=dtype)}

        def process_frame(self, frame: np.ndarray) -> None:
            assert self.results.x[0] == np.zeros(1, dtype)[0]
            self.results.x[:] = np.ones(1, dtype)

    result = run_udf(DATA, Typed(), [7], travel=travel)["x"]
    assert result.data.dtype == np.dtype(dtype)
    assert (result.data == np.ones(1, dtype)[0]).all()


def test_row_039_uses() -> None:
    class Uses(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {
                "p": self.buffer("nav", use="private"),
                "r": self.buffer("nav", use="result_only"),
                "n": self.buffer("nav"),
            }

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.p[:] = frame.sum()
            assert self.results.r is None

        def get_results(self) -> dict[str, Any]:
            with pytest.raises(ValueError, match="result_only"):
                _ = self.results.r
            return {"r": self.results.p * 2}

    results = run_udf(DATA, Uses())
    assert set(results) == {"r", "n"}
    assert np.array_equal(results["r"].data, 2 * SUMS)
    for wrong, error in [({"p": np.zeros(20, "f4")}, UDFException),
                         ({"q": np.zeros(20, "f4")}, KeyError),
                         ({"n": np.zeros(20, "i4")}, UDFException)]:  # fmt: skip

        class Wrong(Uses):
            def get_results(self, wrong: Any = wrong) -> dict[str, Any]:
                return dict(wrong)

        with pytest.raises(error):
            run_udf(DATA, Wrong())


def test_row_040_device() -> None:
    class Device(NavSum):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer("nav", dtype=np.float64, where="device")}

    result = run_udf(DATA, Device())["x"]
    assert np.array_equal(result.data, SUMS)
    assert (result.where, result.use) == (None, None)


def test_row_041_to_044_hooks_of_a_partition() -> None:
    log: list[Any] = []

    class Hooks(NavSum):
        def get_task_data(self) -> dict[str, Any]:
            log.append("task_data")
            return {"factor": np.array([2.0])}

        def preprocess(self) -> None:
            side = "main" if self.meta.slice is None else "worker"
            log.append(("preprocess", side, len(self.results.x)))
            self.results.x[:] = -1

        def process_frame(self, frame: np.ndarray) -> None:
            assert self.results.x[0] == -1
            self.results.x[:] = frame.sum() * self.task_data.factor

        def postprocess(self) -> None:
            log.append(("postprocess", len(self.results.x)))
            self.results.x[:] += 1

        def cleanup(self) -> None:
            log.append("cleanup")

    result = run_udf(DATA, Hooks(), [8])
    assert np.array_equal(result["x"].data, 2 * SUMS + 1)
    assert log == [
        ("preprocess", "main", 20),
        *["task_data", ("preprocess", "worker", 8), ("postprocess", 8), "cleanup"],
        *["task_data", ("preprocess", "worker", 12), ("postprocess", 12), "cleanup"],
    ]


def test_row_044_cleanup_whatever_happened() -> None:
    log: list[str] = []

    class Fails(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            raise KeyError("frame")

        def cleanup(self) -> None:
            log.append("cleanup")

    with pytest.raises(KeyError):
        run_udf(DATA, Fails())
    assert log == ["cleanup"]


def test_row_045_default_merge() -> None:
    class NoMerge(SigSum):
        merge = UDF.merge

    with pytest.raises(NotImplementedError, match="Default merging only works for kind='nav'"):
        run_udf(DATA, NoMerge())
    with pytest.raises(TypeError, match="Unsafe automatic casting"):
        check_cast(np.zeros(1), np.zeros(1, "f4"))


@pytest.mark.parametrize("way", ["slice", "attribute", "inplace", "inplace slice"])
def test_row_046_ways_to_assign(way: str) -> None:
    class Ways(SigSum):
        def process_frame(self, frame: np.ndarray) -> None:
            if way == "slice":
                self.results.s[:] = self.results.s + frame
            elif way == "attribute":
                self.results.s = self.results.s + frame
            elif way == "inplace":
                self.results.s += frame
            else:
                self.results.s[:] += frame

        def merge(self, dest: Any, src: Any) -> None:
            if way == "slice":
                dest.s[:] = dest.s + src.s
            elif way == "attribute":
                dest.s = dest.s + src.s
            else:
                dest.s += src.s

    assert np.array_equal(run_udf(DATA, Ways(), [3, 4, 11])["s"].data, SIG_SUM)


@pytest.mark.parametrize("where", ["ctx", "two_workers"])
def test_row_047_merge_all_is_not_needed(where: str, request: pytest.FixtureRequest) -> None:
    """A UDF may bring it along; results come in parts here, so it is never called."""

    class AtOnce(SigSum):
        def merge_all(self, ordered_results: Any) -> dict[str, Any]:
            raise AssertionError

    assert AtOnce().requires_custom_merge
    context: Context = request.getfixturevalue(where)
    result: Any = context.run_udf(ArrayDataSet(DATA, num_partitions=4), AtOnce())
    assert np.array_equal(result["s"].data, SIG_SUM)


def test_row_048_results() -> None:
    class Results(NavSum):
        def get_results(self) -> dict[str, Any]:
            shape = self.params.shape
            values = np.arange(20.0)[self.params.rows].reshape(shape)
            return {"x": values}

    every, some = np.ones(20, bool), np.arange(20) % 3 == 0
    for shape, rows, selection in [
        ((20,), every, None),
        ((20, 1), every, None),
        ((4, 5), every, None),
        ((7,), some, some),
        ((4, 5), every, some),
    ]:
        udf = Results(shape=shape, rows=rows)
        result = run_udf(DATA, udf, selection=selection)["x"]
        expected = np.arange(20.0).reshape(4, 5)
        if selection is not None and shape == (7,):
            expected = np.where(some.reshape(4, 5), expected, np.nan)
        assert np.array_equal(result.data, expected, equal_nan=True)
        assert len(result.raw_data) == (20 if selection is None else 7)


def test_row_049_results_are_computed_when_somebody_looks(ctx: Context) -> None:
    calls: list[int] = []

    class Counted(NavSum):
        def get_results(self) -> dict[str, Any]:
            calls.append(1)
            return super().get_results()

    updates = list(ctx.run_udf_iter(ArrayDataSet(DATA, num_partitions=5), Counted()))
    before = len(calls)
    assert before <= 2  # the pictures at the beginning and at the end
    _ = updates[-1].buffers
    _ = updates[-1].buffers
    assert len(calls) == before + 1


def test_row_050_to_052_valid_masks() -> None:
    class Masked(NavSum):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {
                **super().get_result_buffers(),
                "m": self.buffer("nav", use="result_only"),
                "s": self.buffer("sig", use="result_only"),
                "one": self.buffer("single", use="result_only"),
            }

        def merge(self, dest: Any, src: Any) -> None:
            self.seen = [*getattr(self, "seen", []), self.meta.get_valid_nav_mask().sum()]
            dest.x[:] = src.x

        def get_results(self) -> dict[str, Any]:
            valid = self.meta.get_valid_nav_mask()
            assert valid.shape == (12,)
            assert self.meta.get_valid_nav_mask(full_nav=True).shape == (20,)
            return {
                "m": self.with_mask(np.zeros(12, "f4"), mask=np.arange(12) < 4),
                "s": self.with_mask(np.zeros((6, 7), "f4"), mask=bool(valid.all())),
                "one": np.zeros(1, "f4"),
            }

    selection = np.arange(20) < 12
    driver = Driver(DATA, Masked(), selection=selection)
    driver.reduction.merge(driver.part(4, 12))
    results = driver.reduction.results(0)
    assert driver.reduction._udfs[0].udf.seen == [0]
    default = results["x"].valid_mask
    assert default.reshape(-1).tolist() == [False] * 4 + [True] * 8 + [False] * 8
    assert results["m"].valid_mask.reshape(-1).tolist() == [True] * 4 + [False] * 16
    assert not results["s"].valid_mask.any()
    assert results["one"].valid_mask.all()
    assert results["x"].masked_data.mask.sum() == 12
    assert results["x"].raw_masked_data.shape == (12,)
    assert results["m"].valid_slice_bounding == (slice(0, 1), slice(0, 4))
    assert results["x"].get_valid_slice_inner(axis=0)[0] == slice(1, 2)
    with pytest.raises(InvalidMaskError):
        UDF.with_mask(np.zeros(3), np.ones(3))
    with pytest.raises(InvalidMaskError):
        UDF.with_mask(np.zeros(3), np.ones(4, bool))


@pytest.mark.parametrize("method", ["frame", "tile", "partition"])
def test_row_053_aux_data(method: str) -> None:
    weights = RNG.random((4, 5, 2)).astype(np.float32)
    weights[..., 0] = np.arange(20).reshape(4, 5)

    class Aux(NavSum):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            assert self.params.w.shape[-1] == 2
            return super().get_result_buffers()

        def get_method(self) -> Any:
            return self.UDF_METHOD(method)

        def process_frame(self, frame: np.ndarray) -> None:
            assert self.params.w.shape == (2,)
            self.results.x[:] = frame.sum() * self.params.w[1]

        def process_tile(self, tile: np.ndarray) -> None:
            assert self.params.w.shape == (len(tile), 2)
            self.results.x[:] = tile.sum(axis=(1, 2)) * self.params.w[:, 1]

        process_partition = process_tile

        def merge(self, dest: Any, src: Any) -> None:
            # the rows of this partition, also with a region of interest
            sums = SUMS.reshape(-1)[self.params.w[:, 0].astype(int)]
            assert np.allclose(src.x, sums * self.params.w[:, 1])
            dest.x[:] = src.x

    selection = RNG.random(20) < 0.6
    udf = Aux(w=UDF.aux_data(weights, kind="nav", extra_shape=(2,), dtype="float32"))
    result = run_udf(DATA, udf, [4], selection=selection)["x"]
    assert np.allclose(result.raw_data, (SUMS * weights[..., 1]).reshape(-1)[selection])
    short = UDF.aux_data(np.zeros(19, "f4"), kind="nav")
    with pytest.raises(ValueError, match="19 entries"):
        run_udf(DATA, Aux(w=short))


def test_row_054_to_058_meta() -> None:
    selection = RNG.random(20) < 0.5
    places = np.argwhere(selection.reshape(4, 5))
    made = CorrectionSet(dark=np.zeros((6, 7)))

    class Meta(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            meta = self.meta
            first = meta.slice.origin[0]
            assert np.array_equal(meta.coordinates, places[first : first + 1])
            assert meta.slice.shape.to_tuple() == (1, 6, 7)
            assert meta.sig_slice == Slice((0, 0), Shape((6, 7), 2))
            assert meta.tiling_scheme[meta.tiling_scheme_idx] == meta.sig_slice
            assert np.array_equal(meta.roi, selection.reshape(4, 5))
            assert meta.corrections.get_dark_frame() is not None
            assert meta.partition_shape.sig == Shape((6, 7), 2)
            assert meta.device_class == "cpu"
            super().process_frame(frame)

    driver = Driver(DATA, Meta(), selection=selection, corrections=made)
    assert np.allclose(driver.run([3])[0]["x"].raw_data, SUMS[selection.reshape(4, 5)])


@pytest.mark.parametrize("offset", [-2, 0, 2])
def test_row_055_coordinates_with_sync_offset(ctx: Context, offset: int) -> None:
    class Where(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"at": self.buffer("nav", (2,), dtype=int)}

        def process_tile(self, tile: np.ndarray) -> None:
            self.results.at[:] = self.meta.coordinates

    roi = RNG.random((4, 5)) < 0.7
    data = ArrayDataSet(DATA, sync_offset=offset, num_partitions=3)
    result: Any = ctx.run_udf(data, Where(), roi=roi)
    there = result["at"].valid_mask.all(axis=-1)
    assert np.array_equal(result["at"].data[there], np.argwhere(there))


def test_row_059_threads() -> None:
    class Threads(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = self.meta.threads_per_worker

    assert (run_udf(DATA, Threads(), threads_per_worker=3)["x"].data == 3).all()


def test_row_060_and_061_access() -> None:
    class Access(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            assert "x" in self.results
            assert list(self.results.keys()) == ["x"]
            assert isinstance(self.results.get_buffer("x"), BufferWrapper)
            assert self.results.get("x").shape == (1,)
            assert self.results.get("y", 5) == 5
            with pytest.warns(UseDiscouragedWarning):
                _ = self.results["x"]
            with pytest.warns(FutureWarning):
                _ = self.params["a"]
            with pytest.raises(AttributeError):
                _ = self.results._private
            self.results.x[:] = 1

        def merge(self, dest: Any, src: Any) -> None:
            with pytest.warns(UseDiscouragedWarning):
                dest["x"][:] = src["x"]
            for error in (KeyError, AttributeError):
                with pytest.raises(error):
                    _ = dest.y

    assert (run_udf(DATA, Access(a=1))["x"].data == 1).all()


def test_row_062_attributes_tiles_used_to_have() -> None:
    class Old(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            _ = frame.tile_slice  # type: ignore[attr-defined]

    with pytest.raises(AttributeError) as caught:
        run_udf(DATA, Old())
    assert any("self.meta.slice" in note for note in caught.value.__notes__)


def test_row_063_and_064_sig_views_are_contiguous() -> None:
    class Flat(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"s": self.buffer("sig", dtype=np.float64)}

        def get_tiling_preferences(self) -> dict[str, Any]:
            return {"depth": 3, "total_size": 3 * 2 * 7 * 4}

        def process_tile(self, tile: np.ndarray) -> None:
            flat = reshaped_view(self.results.s, (-1,))
            flat += tile.reshape(len(tile), -1).sum(axis=0)

        def merge(self, dest: Any, src: Any) -> None:
            reshaped_view(dest.s, (-1,))[:] += reshaped_view(src.s, (-1,))

    assert np.array_equal(run_udf(DATA, Flat(), [7])["s"].data, SIG_SUM)
    with pytest.raises(AttributeError):
        reshaped_view(np.zeros((4, 4))[:, :2], (-1,))


def test_row_065_parameters_while_running(ctx: Context) -> None:
    class Factor(NavSum):
        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = frame.sum() * self.params.factor

    udf = Factor(factor=1.0)
    updates = ctx.run_udf_iter(ArrayDataSet(DATA, num_partitions=4), [udf])
    updates.update_parameters_experimental([{"factor": 2.0}])
    next(updates)
    updates.update_parameters_experimental([{"factor": 3.0}])
    *_, last = updates
    found = last.buffers[0]["x"].data / SUMS
    assert np.allclose(found[0], 2)
    assert np.allclose(found[1:], 3)
    assert udf.params.factor == 1.0


def test_row_066_auto_udf(ctx: Context) -> None:
    data = ArrayDataSet(DATA)
    assert np.allclose(ctx.map(data, np.sum).data, SUMS)
    result: Any = ctx.run_udf(data, AutoUDF(lambda f: f[:2, 0], monitor=True))
    assert np.array_equal(result["result"].data, DATA[:, :, :2, 0])
    assert np.array_equal(result["monitor"].data, DATA[-1, -1, :2, 0])
    nothing: Any = ctx.run_udf(data, AutoUDF(np.sum, monitor=True), roi=np.zeros((4, 5), bool))
    assert nothing["result"].raw_data.shape == (0,)
    assert not nothing["monitor"].valid_mask.any()


def test_row_067_classes_of_notebooks(two_workers: Context) -> None:
    namespace: dict[str, Any] = {"UDF": UDF, "__name__": "__main__"}
    exec(  # a class that no worker can import
        "class InACell(UDF):\n"
        "    def get_result_buffers(self):\n"
        "        return {'x': self.buffer('nav')}\n"
        "    def process_frame(self, frame):\n"
        "        self.results.x[:] = self.params.f(frame)\n",
        namespace,
    )
    udf = namespace["InACell"](f=lambda frame: frame.max())
    assert cloudpickle.loads(cloudpickle.dumps(udf)).params.f(np.ones(2)) == 1
    result: Any = two_workers.run_udf(ArrayDataSet(DATA), udf)
    assert np.array_equal(result["x"].data, DATA.max(axis=(2, 3)))


@pytest.mark.parametrize("first", [True, False])
def test_row_068_mixins(first: bool) -> None:
    for mixin, name in [
        (UDFFrameMixin, "process_frame"),
        (UDFTileMixin, "process_tile"),
        (UDFPartitionMixin, "process_partition"),
        (UDFPreprocessMixin, "preprocess"),
        (UDFPostprocessMixin, "postprocess"),
        (UDFMergeAllMixin, "merge_all"),
    ]:
        bases = (mixin, UDF) if first else (UDF, mixin)
        hooks = {name: lambda self, *_: None}
        if not name.startswith("process_"):
            hooks["process_frame"] = lambda self, _frame: None
        hooks["get_result_buffers"] = NavSum.get_result_buffers  # type: ignore[assignment]
        assert "x" in run_udf(DATA, type("Mixed", bases, hooks)())


def test_row_069_several_in_one_pass() -> None:
    class Tiles(NavSum):
        def process_tile(self, tile: np.ndarray) -> None:
            self.results.x[:] = tile.sum(axis=(1, 2))

    driver = Driver(DATA, [NavSum(), SigSum(), Tiles()])
    frames, sig, tiles = driver.run([7])
    assert np.array_equal(frames["x"].data, SUMS)
    assert np.array_equal(tiles["x"].data, SUMS)
    assert np.array_equal(sig["s"].data, SIG_SUM)
    assert driver.reads == [(0, 7), (0, 13)]  # each frame once for all of them
