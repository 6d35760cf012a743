"""Whatever the shapes, types, selection, partitions, tiles and holes: what numpy says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from framefold.api import Context
from framefold.core.acquisition import Acquisition
from framefold.core.block import UndecodableFrames
from framefold.core.corrections import CorrectionSet
from framefold.core.detector import correct
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan, Ending
from framefold.core.scan import Scan
from framefold.core.shape import Shape
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import UDF, BufferWrapper

QUICK = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Everything(UDF):
    """Each kind of buffer, and all that is known of the place."""

    DRY_RUN = False

    def get_method(self) -> Any:
        return self.UDF_METHOD(self.params.method)

    def get_preferred_input_dtype(self) -> Any:
        return self.params.dtype

    def get_tiling_preferences(self) -> dict[str, Any]:
        return {"depth": self.params.depth, "total_size": self.params.size}

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        shape = self.meta.dataset_shape
        return {
            "sum": self.buffer("nav", dtype=np.complex128),
            "weighted": self.buffer("nav", (2,), dtype=np.complex128),
            "place": self.buffer("nav", (shape.nav.dims,), dtype=np.int64),
            "times": self.buffer("nav", dtype=np.int64),
            "total": self.buffer("sig", dtype=np.complex128),
            "count": self.buffer("single", dtype=np.int64),
            "types": self.buffer("nav", dtype="U16"),
        }

    def process_tile(self, tile: np.ndarray) -> None:
        frames = tile.reshape(len(tile), -1).astype(np.complex128)
        self.results.sum[:] += frames.sum(axis=1)
        self.results.weighted[:] += self.params.weights * frames.sum(axis=1)[:, np.newaxis]
        self.results.place[:] = self.meta.coordinates
        self.results.total[:] += tile.sum(axis=0, dtype=np.complex128)
        self.results.types[:] = tile.dtype.str
        if all(n == 0 for n in self.meta.sig_slice.origin):
            self.results.times[:] += 1
            self.results.count += len(tile)

    def process_frame(self, frame: np.ndarray) -> None:
        assert frame.shape == tuple(self.meta.dataset_shape.sig)
        self.results.sum[:] = frame.sum(dtype=np.complex128)
        self.results.weighted[:] = self.params.weights * frame.sum(dtype=np.complex128)
        self.results.place[:] = self.meta.coordinates[0]
        self.results.total[:] += frame
        self.results.types[:] = frame.dtype.str
        self.results.times[:] += 1
        self.results.count += 1

    def process_partition(self, partition: np.ndarray) -> None:
        assert partition.shape == tuple(self.meta.partition_shape)
        self.process_tile(partition)

    def merge(self, dest: Any, src: Any) -> None:
        for name in ("sum", "weighted", "place", "times", "types"):
            getattr(dest, name)[:] = getattr(src, name)
        dest.total += src.total
        dest.count += src.count


def assert_equals_numpy(
    result: dict[str, BufferWrapper],
    frames: NDArray[Any],
    there: NDArray[np.bool_],
    selection: NDArray[np.bool_],
    weights: NDArray[Any],
    dtype: np.dtype[Any],
) -> None:
    """Compare with plain numpy.

    Parameters
    ----------
    frames : ndarray, shape (positions,) + sig
        Anything at positions without a frame.
    there : ndarray of bool, shape nav
        Positions that have a frame.
    selection : ndarray of bool, shape nav
    weights : ndarray, shape (positions, 2)
    dtype : dtype
        What the UDF must have got.
    """
    nav = there.shape
    good = (there & selection).reshape(-1)
    chosen = selection.reshape(-1)
    kept = frames[good].astype(np.complex128)
    sums = kept.sum(axis=tuple(range(1, kept.ndim)))
    rows = good[chosen]  # of the compressed axis
    for name, expected in (
        ("sum", sums),
        ("weighted", weights[good] * sums[:, np.newaxis]),
        ("place", np.argwhere(good.reshape(nav))),
        ("times", np.ones(len(kept))),
        ("types", np.full(len(kept), dtype.str)),
    ):
        raw = result[name].raw_data
        assert len(raw) == np.count_nonzero(selection)
        assert np.array_equal(raw[rows], expected), name
        assert not raw[~rows].any() if name != "types" else (raw[~rows] == "").all()
        mask = result[name].valid_mask
        assert mask.shape == (*nav, *raw.shape[1:])
        assert np.array_equal(mask.reshape(*nav, -1).all(axis=-1), good.reshape(nav)), name
        assert np.array_equal(mask.reshape(*nav, -1).any(axis=-1), good.reshape(nav)), name
    assert np.array_equal(result["total"].data, kept.sum(axis=0))
    assert result["count"].data.tolist() == [len(kept)]


@dataclass
class SomeFrames:
    positions: NDArray[np.int64]
    data: NDArray[Any]
    damaged: NDArray[np.bool_]

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        bad = rows[self.damaged[rows]]
        if len(bad):
            raise UndecodableFrames(bad, "damaged on purpose")
        out[: len(rows)] = self.data[rows]
        return out[: len(rows)]


@dataclass
class SomeBlock:
    ident: int
    frames: SomeFrames

    @contextmanager
    def open(self) -> Iterator[SomeFrames]:
        yield self.frames


class Torn:
    """A scan of which frames are lost and damaged, in blocks that come in any order."""

    def __init__(
        self, acquisition: Acquisition, given: list[SomeBlock], tile_shape: Any = None
    ) -> None:
        self.acquisition = acquisition
        self.given = given
        self.tile_shape = tile_shape
        self.back: list[int] = []

    def blocks(self, plan: BlockPlan) -> Iterator[SomeBlock]:
        yield from self.given

    def release(self, block: SomeBlock) -> None:
        self.back.append(block.ident)

    def stop(self) -> None:
        """It ends by itself."""

    def losses(self) -> Losses:
        return Losses()

    def ending(self) -> Ending:
        return Ending(True, "all read", Losses())


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@st.composite
def frames_of(draw: Any, dtypes: Any) -> tuple[tuple[int, ...], tuple[int, ...], NDArray[Any]]:
    """Scan, detector, and whole numbers that all types hold."""
    nav, sig = draw(shapes), draw(shapes)
    seed = draw(st.integers(0, 2**16))
    numbers = np.random.default_rng(seed).integers(0, 2, (math.prod(nav), *sig))
    dtype = np.dtype(draw(dtypes))
    if dtype.kind != "b":
        numbers = np.random.default_rng(seed).integers(0, 100, numbers.shape)
    data = numbers.astype(dtype)
    return nav, sig, data * (1 - 2j) if dtype.kind == "c" else data


def udfs_of(draw: Any, weights: NDArray[Any]) -> list[Everything]:
    methods = draw(
        st.lists(st.sampled_from(["tile", "frame", "partition"]), min_size=1, max_size=3)
    )
    sizes = st.floats(1, 2000) | st.just(math.inf) | st.just(UDF.TILE_SIZE_BEST_FIT)
    return [
        Everything(
            method=method,
            dtype=draw(st.sampled_from([np.float32, bool, np.float64, np.uint16])),
            depth=draw(st.integers(1, 70) | st.just(UDF.TILE_DEPTH_DEFAULT)),
            size=draw(sizes),
            weights=UDF.aux_data(weights, "nav", (2,), np.float64),
        )
        for method in methods
    ]


def selected(draw: Any, nav: tuple[int, ...]) -> tuple[NDArray[np.bool_], Any]:
    """A selection, and one of the ways to say it."""
    mask = draw(st.none() | hnp.arrays(bool, nav))
    if mask is None:
        return np.ones(nav, bool), None
    ways: list[Any] = [mask, mask.reshape(-1)]
    if mask.any():
        ways.append([tuple(int(n) for n in place) for place in np.argwhere(mask)])
    return mask, draw(st.sampled_from(ways))


def expected_dtype(udfs: list[Everything], recorded: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(recorded.newbyteorder("="), *(udf.params.dtype for udf in udfs))


TYPES = ["?", "u1", "i2", "u2", "u4", "i8", "f4", "f8", "c8"]


def torn(
    draw: Any,
) -> tuple[Torn, NDArray[Any], NDArray[np.bool_]]:
    nav, sig, data = draw(frames_of(st.sampled_from(TYPES)))
    size = len(data)
    lost = draw(hnp.arrays(bool, size))
    damaged = draw(hnp.arrays(bool, size, fill=st.just(False)))
    positions = np.flatnonzero(~lost)
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(positions))), max_size=4)))
    parts = [part for part in np.split(positions, cuts) if len(part)]
    given = [
        SomeBlock(number, SomeFrames(part, data[part], damaged[part]))
        for number, part in enumerate(draw(st.permutations(parts)))
    ]
    tile_shape = draw(st.none() | st.tuples(*(st.integers(1, n) for n in (9, *sig))))
    acquisition = Acquisition("torn", "torn", Scan(nav), sig, data.dtype)
    return Torn(acquisition, given, tile_shape), data, (~lost & ~damaged).reshape(nav)


def check_torn(context: Context, draw: Any) -> None:
    reader, data, there = torn(draw)
    weights = np.arange(2.0 * len(data)).reshape(-1, 2)
    udfs = udfs_of(draw, weights)
    selection, roi = selected(draw, there.shape)

    *_, last = context.run_udf_iter(reader, udfs, roi=roi)

    assert np.array_equal(last.damage.data.reshape(there.shape) & selection, there & selection)
    dtype = expected_dtype(udfs, data.dtype)
    for result in last.buffers:
        assert_equals_numpy(result, data, there, selection, weights, dtype)
    assert sorted(reader.back) == [block.ident for block in reader.given]


@QUICK
@given(draw=st.data())
def test_any_holes(ctx: Context, draw: Any) -> None:
    check_torn(ctx, draw.draw)


@settings(QUICK, max_examples=15)
@given(draw=st.data())
def test_any_holes_in_workers(two_workers: Context, draw: Any) -> None:
    check_torn(two_workers, draw.draw)


@QUICK
@given(draw=st.data())
def test_any_data_set(ctx: Context, draw: Any) -> None:
    types = [*TYPES, ">u2", ">i4", ">f8"]
    nav, sig, data = draw.draw(frames_of(st.sampled_from(types)))
    recorded = len(data)
    scan = draw.draw(st.just(nav) | shapes)
    positions = math.prod(scan)
    offset = draw.draw(st.integers(-recorded + 1, recorded - 1))
    tile_shape = draw.draw(st.none() | st.tuples(*(st.integers(1, n) for n in (9, *sig))))
    dataset = MemoryDataSet(
        data.reshape(*nav, *sig),
        sig_dims=len(sig),
        nav_shape=scan,
        sync_offset=offset,
        num_partitions=draw.draw(st.none() | st.integers(1, positions)),
        tileshape=tile_shape,
    )
    frames = np.zeros((positions, *sig), data.dtype)
    there = np.zeros(positions, bool)
    for position in range(positions):
        if 0 <= position + offset < recorded:
            frames[position], there[position] = data[position + offset], True
    weights = np.arange(2.0 * positions).reshape(-1, 2)
    udfs = udfs_of(draw.draw, weights)
    selection, roi = selected(draw.draw, scan)

    result: Any = ctx.run_udf(dataset, udfs, roi=roi)

    assert dataset.shape == Shape((*scan, *sig), len(sig))
    dtype = expected_dtype(udfs, data.dtype)
    for one in result:
        assert_equals_numpy(one, frames, there.reshape(scan), selection, weights, dtype)


@QUICK
@given(draw=st.data())
def test_any_cut_of_corrected_frames(ctx: Context, draw: Any) -> None:
    """Corrections come before tiles are cut: no border shows."""
    nav = draw.draw(shapes)
    sig = draw.draw(st.tuples(st.integers(3, 6), st.integers(3, 6)))
    rng = np.random.default_rng(draw.draw(st.integers(0, 2**16)))
    data = rng.integers(0, 100, (*nav, *sig)).astype(draw.draw(st.sampled_from(["u1", "u2", "f4"])))
    bad = rng.random(sig) < 0.15
    bad[0, 0] = False
    dark, gain = rng.integers(0, 9, sig) / 2.0, rng.integers(1, 5, sig) / 2.0
    made = CorrectionSet(dark, gain, bad, allow_empty=True)
    tile_shape = draw.draw(st.none() | st.tuples(*(st.integers(1, n) for n in (9, *sig))))
    parts = draw.draw(st.integers(1, math.prod(nav)))
    dataset = MemoryDataSet(data, tileshape=tile_shape, num_partitions=parts)
    weights = np.arange(2.0 * math.prod(nav)).reshape(-1, 2)
    udfs = udfs_of(draw.draw, weights)

    result: Any = ctx.run_udf(dataset, udfs, corrections=made)

    expected = correct(data, dark, gain, bad, allow_empty=True).astype(np.complex128)
    for one in result:
        assert np.allclose(one["sum"].data, expected.sum(axis=(-2, -1)), rtol=1e-5)
        total = expected.reshape(-1, *sig).sum(axis=0)
        assert np.allclose(one["total"].data, total, rtol=1e-5)
        assert one["count"].data.tolist() == [math.prod(nav)]


@pytest.mark.parametrize("method", ["tile", "frame", "partition"])
def test_the_comparison_can_fail(ctx: Context, method: str) -> None:
    """One frame off by one is found."""
    data = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(np.uint16)
    weights = np.arange(12.0).reshape(6, 2)
    udf = Everything(
        method=method, dtype=np.float32, depth=1, size=1e6,
        weights=UDF.aux_data(weights, "nav", (2,), np.float64),
    )  # fmt: skip
    result: Any = ctx.run_udf(MemoryDataSet(data), udf)
    every = np.ones((2, 3), bool)
    frames = data.reshape(6, 4, 5).copy()
    facts = (every, every, weights, np.dtype(np.float32))
    assert_equals_numpy(result, frames, *facts)
    frames[5, 3, 4] += 1
    with pytest.raises(AssertionError):
        assert_equals_numpy(result, frames, *facts)
