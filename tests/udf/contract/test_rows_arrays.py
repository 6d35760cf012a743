"""Rows 1 to 28 of the feature table: shapes, tiles, selections, types, array libraries.

A test has the number of the row it holds; `test_rows_udf.py` has those of the class, and
`test_rows_running.py` those of running.
"""

from __future__ import annotations

import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.api import Context
from framefold.core.shape import Shape, Slice
from framefold.errors import SliceUsageError
from framefold.formats.memory import ArrayDataSet
from framefold.udf import UDF, BufferWrapper, TilingScheme
from udf.driver import Driver, run_udf

RNG = np.random.default_rng(11)
DATA = RNG.integers(0, 1000, (4, 5, 6, 7)).astype(np.uint16)


class Look(UDF):
    """Frame sums, and what ``look`` says of each array that comes."""

    method = "frame"

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"x": self.buffer("nav", dtype=np.float64)}

    def get_method(self) -> Any:
        return self.UDF_METHOD(self.params.get("method", "frame"))

    def get_preferred_input_dtype(self) -> Any:
        return self.params.get("dtype", np.float32)

    def get_tiling_preferences(self) -> dict[str, Any]:
        return self.params.get("tiling", {})

    def note(self, array: np.ndarray) -> None:
        if "seen" in self.params:
            self.params.seen.append((array.shape, array.dtype, self.meta.tiling_scheme_idx))

    def process_frame(self, frame: np.ndarray) -> None:
        self.note(frame)
        self.results.x[:] = abs(frame).sum()

    def process_tile(self, tile: np.ndarray) -> None:
        self.note(tile)
        self.results.x[:] += abs(tile).reshape(len(tile), -1).sum(axis=1)

    process_partition = process_tile


@settings(deadline=None, max_examples=40)
@given(
    nav=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    sig=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    method=st.sampled_from(["frame", "tile", "partition"]),
)
def test_row_001_any_rank(nav: list[int], sig: list[int], method: str) -> None:
    data = np.arange(math.prod(nav + sig), dtype=np.float64).reshape(*nav, *sig)
    result = run_udf(data, Look(method=method), sig_dims=len(sig))
    axes = tuple(range(len(nav), data.ndim))
    assert result["x"].data.shape == tuple(nav)
    assert np.allclose(result["x"].data, data.sum(axis=axes))


def test_row_002_shape() -> None:
    shape = Shape((4, 5, 6, 7), sig_dims=2)
    assert (tuple(shape.nav), tuple(shape.sig)) == ((4, 5), (6, 7))
    assert (shape.dims, len(shape), shape.sig.dims, shape.size) == (4, 4, 2, 840)
    assert Shape((3,), 1).nav.size == 0
    assert shape.flatten_nav().to_tuple() == (20, 6, 7)
    assert shape.flatten_sig().to_tuple() == (4, 5, 42)
    assert shape[1:3] == (5, 6)
    assert shape == Shape((4, 5, 6, 7), 2) != Shape((4, 5, 6, 7), 1)
    with pytest.raises(NotImplementedError):
        _ = shape == (4, 5, 6, 7)
    assert tuple(shape + (2,)) == (4, 5, 6, 7, 2)  # noqa: RUF005 - the operator is on trial
    assert tuple((2,) + shape) == (4, 5, 2, 6, 7)  # noqa: RUF005
    assert hash(pickle.loads(pickle.dumps(shape))) == hash(shape)


def test_row_003_slice() -> None:
    array = np.arange(20 * 42).reshape(20, 6, 7)
    box = Slice((3, 1, 2), Shape((4, 2, 3), 2))
    assert np.array_equal(box.get(array), array[3:7, 1:3, 2:5])
    assert np.array_equal(box.sig.get(array, sig_only=True), array[:, 1:3, 2:5])
    assert np.array_equal(box.nav.get(array[:, 0, 0]), array[3:7, 0, 0])
    assert box.shift(Slice((1, 1, 1), box.shape)).origin == (2, 0, 1)
    other = Slice((5, 0, 0), Shape((9, 2, 9), 2))
    assert box.intersection_with(other) == Slice((5, 1, 2), Shape((2, 1, 3), 2))
    assert box.intersection_with(Slice((9, 9, 9), box.shape)).is_null()
    assert len(list(box.subslices((2, 1, 2)))) == 8
    assert box.discard_nav().origin == (0, 1, 2)
    roi = np.arange(20) % 2 == 0
    assert box.adjust_for_roi(roi).origin[0] == 2
    assert box.adjust_for_roi(roi).shape[0] == 2
    with pytest.raises(SliceUsageError):
        box.shift(Slice((0,), Shape((1,), 0)))
    assert pickle.loads(pickle.dumps(box)) == box


def test_row_004_and_005_partitions(ctx: Context) -> None:
    seen: list[Any] = []

    class Parts(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {}

        def get_task_data(self) -> dict[str, Any]:
            seen.append((self.meta.slice.origin[0], self.meta.partition_shape[0]))
            return {}

        def process_frame(self, frame: np.ndarray) -> None:
            pass

    ctx.run_udf(ArrayDataSet(DATA, num_partitions=3), Parts(), dry_run=False)
    borders = np.linspace(0, 20, 4, dtype=int)
    assert seen == [(a, b - a) for a, b in itertools.pairwise(borders)]


def test_row_006_one_scheme_for_frames_tiles_partitions() -> None:
    seen: dict[str, list[Any]] = {"frame": [], "tile": [], "partition": []}
    Driver(DATA, [Look(method=m, seen=s) for m, s in seen.items()]).run([8])
    assert [shape for shape, _, _ in seen["frame"]] == [(6, 7)] * 20
    assert [shape for shape, _, _ in seen["tile"]] == [(8, 6, 7), (12, 6, 7)]
    assert [shape for shape, _, _ in seen["partition"]] == [(8, 6, 7), (12, 6, 7)]
    cells: list[Any] = []
    driver = Driver(DATA, [Look(method="tile", seen=cells, tiling={"total_size": 2 * 3 * 7 * 4,
                                                                   "depth": 2})])  # fmt: skip
    scheme = driver.reduction.spec.scheme()
    assert isinstance(scheme, TilingScheme)
    assert [tuple(cell.shape) for _, cell in scheme.slices] == [(3, 7), (3, 7)]
    result = driver.run([5])[0]
    assert {(shape[1:], index) for shape, _, index in cells} == {((3, 7), 0), ((3, 7), 1)}
    assert np.allclose(result["x"].data, DATA.sum(axis=(2, 3)))


def test_row_007_and_008_preferences() -> None:
    frame = 6 * 7 * 4
    for tiling, shape in [
        ({}, (20, 6, 7)),
        ({"depth": UDF.TILE_DEPTH_DEFAULT, "total_size": UDF.TILE_SIZE_MAX}, (20, 6, 7)),
        ({"depth": UDF.TILE_DEPTH_MAX, "total_size": UDF.TILE_SIZE_BEST_FIT}, (20, 6, 7)),
        ({"depth": 1.5, "total_size": math.inf}, (20, 6, 7)),
        ({"total_size": 3.9 * frame}, (3, 6, 7)),
        ({"depth": 6, "total_size": 3.0 * frame}, (6, 3, 7)),
    ]:
        driver = Driver(DATA, [Look(method="tile", tiling=tiling), Look(method="tile")])
        assert tuple(driver.reduction.spec.scheme().shape) == shape, tiling
        assert np.allclose(driver.run([3])[0]["x"].data, DATA.sum(axis=(2, 3)))


@pytest.mark.parametrize("given", ["nav", "flat", "int", "coo", "dok", "csr", "csr_array", "list"])
def test_row_009_to_012_regions(ctx: Context, given: str) -> None:
    sparse = pytest.importorskip("sparse")
    wanted = RNG.random((4, 5)) < 0.5
    wanted[0, 0], wanted[1, 1] = True, False
    roi: Any = {
        "nav": wanted,
        "flat": wanted.reshape(-1),
        "int": wanted.astype(int),
        "coo": sparse.COO(wanted),
        "dok": sparse.DOK(wanted),
        "csr": scipy.sparse.csr_matrix(wanted),
        "csr_array": scipy.sparse.csr_array(wanted),
        "list": [tuple(map(int, at)) for at in np.argwhere(wanted)],
    }[given]
    if given == "int":
        with pytest.warns(UserWarning, match="ROI dtype is int64, expected bool"):
            result: Any = ctx.run_udf(ArrayDataSet(DATA), Look(), roi=roi)
    else:
        result = ctx.run_udf(ArrayDataSet(DATA), Look(), roi=roi)
    expected = np.where(wanted, DATA.sum(axis=(2, 3)), np.nan)
    assert np.array_equal(result["x"].data, expected, equal_nan=True)
    assert result["x"].raw_data.shape == (int(wanted.sum()),)


def test_row_012_coordinates(ctx: Context) -> None:
    sums = DATA.sum(axis=(2, 3))
    for roi, places in [
        ((1, 2), [(1, 2)]),
        ([(0, 0), (-1, -1)], [(0, 0), (3, 4)]),
        ([((2, 3), True)], [(2, 3)]),
    ]:
        result: Any = ctx.run_udf(ArrayDataSet(DATA), Look(), roi=roi)
        assert result["x"].raw_data.tolist() == [sums[at] for at in places]
    result = ctx.run_udf(ArrayDataSet(DATA), Look(), roi=[((0, 0), False), ((1, 1), False)])
    assert result["x"].raw_data.shape == (18,)
    assert np.isnan(result["x"].data[1, 1])
    for bad in ([((0, 0), False), ((1, 1), True)], np.ones(7, bool), [(9, 9)]):
        with pytest.raises(ValueError, match="roi"):
            ctx.run_udf(ArrayDataSet(DATA), Look(), roi=bad)


def test_row_013_slices_of_the_scan(ctx: Context) -> None:
    dataset = ArrayDataSet(DATA)
    result: Any = ctx.run_udf(dataset, Look(), roi=dataset.roi[1:3, 2:])
    assert np.array_equal(result["x"].data[1:3, 2:], DATA[1:3, 2:].sum(axis=(2, 3)))
    assert np.isnan(result["x"].data[0]).all()


def test_row_014_regions_are_copied(ctx: Context) -> None:
    roi = np.ones((4, 5), bool)
    updates = ctx.run_udf_iter(ArrayDataSet(DATA, num_partitions=4), Look(), roi=roi)
    roi[:] = False
    last = list(updates)[-1]
    assert np.array_equal(last.buffers[0]["x"].data, DATA.sum(axis=(2, 3)))


def test_row_015_nothing_selected(ctx: Context) -> None:
    roi = np.zeros((4, 5), bool)
    updates = list(ctx.run_udf_iter(ArrayDataSet(DATA), Look(), roi=roi))
    assert len(updates) == 1
    result = updates[0].buffers[0]["x"]
    assert result.raw_data.shape == (0,)
    assert np.isnan(result.data).all()
    assert result.data.shape == (4, 5)


@pytest.mark.parametrize("offset", [-19, -3, 0, 3, 19])
def test_row_016_sync_offset(ctx: Context, offset: int) -> None:
    result: Any = ctx.run_udf(ArrayDataSet(DATA, sync_offset=offset, num_partitions=3), Look())
    sums, valid = np.zeros(20), np.zeros(20, bool)
    for position in range(20):
        if 0 <= position + offset < 20:
            sums[position] = DATA.reshape(20, 6, 7)[position + offset].sum()
            valid[position] = True
    assert np.array_equal(result["x"].raw_data, sums)
    # positions without a frame are not called valid
    assert np.array_equal(result["x"].valid_mask.reshape(-1), valid)


def test_row_016_too_far() -> None:
    for offset in (-20, 20):
        with pytest.raises((ValueError, OSError), match="sync_offset"):
            ArrayDataSet(DATA, sync_offset=offset)


@pytest.mark.parametrize("nav", [(2, 10), (5, 5), (3, 5), (20,)])
def test_row_017_other_scan_shapes(ctx: Context, nav: tuple[int, ...]) -> None:
    result: Any = ctx.run_udf(ArrayDataSet(DATA, nav_shape=nav), Look())
    positions = math.prod(nav)
    sums = DATA.sum(axis=(2, 3)).reshape(-1)[:positions]
    assert result["x"].data.shape == nav
    assert np.array_equal(result["x"].raw_data[:20], sums)
    assert result["x"].valid_mask.sum() == min(20, positions)


NATIVE = UDF.USE_NATIVE_DTYPE


@pytest.mark.parametrize(
    ("recorded", "preferences", "expected"),
    [
        ("u1", ["f4"], "f4"),
        ("u2", ["f4"], "f4"),
        ("i4", ["f4"], "f8"),
        ("u4", ["f4"], "f8"),
        ("i8", ["f4"], "f8"),
        ("f8", ["f4"], "f8"),
        ("c8", ["f4"], "c8"),
        ("u1", ["u2", NATIVE], "u2"),
        ("u2", [NATIVE], "u2"),
        ("i2", [NATIVE, "f4"], "f4"),
        ("u2", ["c8", NATIVE], "c8"),
        ("?", [NATIVE], "?"),
        (">u2", [NATIVE], "u2"),
        (">f4", ["f4"], "f4"),
    ],
)
def test_row_018_to_021_pixel_types(recorded: str, preferences: list[Any], expected: str) -> None:
    data = (RNG.random((2, 3, 4, 5)) * 2 * 60).astype(recorded)
    seen: list[list[Any]] = [[] for _ in preferences]
    udfs = [Look(dtype=d, seen=s) for d, s in zip(preferences, seen, strict=True)]
    results = Driver(data, udfs).run([4])
    for result, log in zip(results, seen, strict=True):
        assert {dtype for _, dtype, _ in log} == {np.dtype(expected)}
        assert np.allclose(result["x"].data, abs(data.astype("c16")).sum(axis=(2, 3)))


def test_row_021_signed() -> None:
    data = RNG.integers(-100, 100, (2, 3, 4, 5)).astype(np.int16)
    assert np.array_equal(run_udf(data, Look())["x"].data, abs(data).sum(axis=(2, 3)))


def test_row_022_names_of_array_libraries() -> None:
    assert UDF.BACKEND_NUMPY == "numpy"
    assert UDF.BACKEND_SCIPY_CSR == "scipy.sparse.csr_matrix"
    assert UDF.BACKEND_CUPY_SCIPY_COO == "cupyx.scipy.sparse.coo_matrix"
    assert UDF.BACKEND_SPARSE_GCXS == "sparse.GCXS"
    assert UDF.BACKEND_ALL.index("cupy") + 1 == UDF.BACKEND_ALL.index("numpy")
    assert UDF.BACKEND_NUMPY in UDF.CPU_BACKENDS & UDF.DENSE_BACKENDS & UDF.ND_BACKENDS
    assert UDF.BACKEND_CUDA in UDF.CUDA_BACKENDS - UDF.CUPY_BACKENDS


class Format(Look):
    def get_backends(self) -> Any:
        return self.params.formats

    def process_frame(self, frame: Any) -> None:
        self.params.seen.append(self.meta.array_backend)
        self.results.x[:] = frame.sum()


def test_row_023_mixed_array_libraries() -> None:
    pytest.importorskip("sparseconverter")
    logs: list[list[str]] = [[], [], []]
    wanted = [UDF.BACKEND_ALL, UDF.BACKEND_SCIPY_CSR, (UDF.BACKEND_CUPY, UDF.BACKEND_NUMPY)]
    udfs = [Format(formats=f, seen=s) for f, s in zip(wanted, logs, strict=True)]
    for result in Driver(DATA, udfs).run([7]):
        assert np.array_equal(result["x"].data, DATA.sum(axis=(2, 3)))
    assert [set(log) for log in logs] == [{"numpy"}, {"scipy.sparse.csr_matrix"}, {"numpy"}]
    with pytest.raises(ValueError, match="unknown array backends"):
        Driver(DATA, Format(formats="nunpy"))
    with pytest.raises(RuntimeError, match="Could not find backends for remaining"):
        Driver(DATA, Format(formats=UDF.BACKEND_CUPY))


def test_row_026_forbuf() -> None:
    udf, target = Look(), np.zeros((2, 3))
    flat = np.arange(6.0)
    assert np.array_equal(udf.forbuf(flat, target), flat.reshape(2, 3))
    assert udf.forbuf(target, target) is target
    assert np.array_equal(udf.forbuf(scipy.sparse.csr_matrix(flat), target), flat.reshape(2, 3))
    assert udf.forbuf("no array", target) == "no array"
    assert udf.xp is np


@pytest.mark.parametrize("backends", ["numpy", ("numpy",), {"numpy", "sparse.COO"}])
def test_row_028_restricted_array_libraries(ctx: Context, backends: Any) -> None:
    result: Any = ctx.run_udf(ArrayDataSet(DATA), Look(), backends=backends)
    assert np.array_equal(result["x"].data, DATA.sum(axis=(2, 3)))
    with pytest.raises(RuntimeError, match="Could not find backends"):
        ctx.run_udf(ArrayDataSet(DATA), Look(), backends="sparse.COO")
