"""Tiles that are parts of frames."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.analyses.com import CoMUDF
from framefold.analyses.sum import SumUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.udf import UDF, BufferWrapper
from udf.driver import Driver

RNG = np.random.default_rng(5)
DATA = RNG.integers(0, 1000, (3, 4, 6, 8)).astype(np.uint16)


class Cells(UDF):
    """Everything a tile UDF may do with the place it is told."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        stack = (int(self.meta.dataset_shape.nav.size), *self.meta.dataset_shape.sig)
        return {
            "sig": self.buffer("sig", dtype=np.int64),
            "extra": self.buffer("sig", (2,), dtype=np.int64),
            "nav": self.buffer("nav", dtype=np.int64),
            "stack": self.buffer("single", stack, dtype=np.int64),
            "seen": self.buffer("sig", dtype=np.int64),
        }

    def get_task_data(self) -> dict[str, Any]:
        return {"views": {}, "last": {}}

    def preprocess(self) -> None:
        assert self.results.sig.shape == tuple(self.meta.dataset_shape.sig)

    def process_tile(self, tile: np.ndarray) -> None:
        index = self.meta.tiling_scheme_idx
        scheme = self.meta.tiling_scheme
        assert scheme is not None
        assert self.meta.sig_slice == scheme[index]
        place = self.meta.slice
        assert place is not None
        assert tile.shape == tuple(place.shape)
        assert tile.shape[1:] == self.results.sig.shape == tuple(self.meta.sig_slice.shape)
        assert tile.flags.c_contiguous
        assert not tile.flags.writeable
        assert self.results.sig.flags.c_contiguous
        # the same memory each time the cell comes again, frames in order
        assert self.task_data.views.setdefault(index, self.results.sig) is self.results.sig
        first = place.origin[0]
        assert self.task_data.last.get(index, -1) < first
        self.task_data.last[index] = first
        self.results.sig += tile.sum(axis=0, dtype=np.int64)
        self.results.extra[..., 1] += tile.sum(axis=0, dtype=np.int64)
        self.results.nav[:] += tile.sum(axis=(1, 2), dtype=np.int64)
        self.results.stack[place.get()] += tile.astype(np.int64)
        self.results.seen[:] += len(tile)

    def postprocess(self) -> None:
        assert self.results.sig.shape == tuple(self.meta.dataset_shape.sig)
        assert tuple(self.meta.slice.shape.sig) == tuple(self.meta.dataset_shape.sig)
        frames = self.meta.partition_shape[0]
        assert (self.results.seen == frames).all()  # written back by now

    def merge(self, dest: Any, src: Any) -> None:
        dest.sig += src.sig
        dest.extra += src.extra
        dest.nav[:] = src.nav
        dest.stack += src.stack
        dest.seen += src.seen


def cut(driver: Driver, cell: tuple[int, ...], depth: int) -> Driver:
    """The same run with another grid."""
    driver.reduction._spec = dataclasses.replace(driver.reduction.spec, cell=cell, depth=depth)
    return driver


@settings(deadline=None, max_examples=60)
@given(draw=st.data())
def test_any_grid(draw: Any) -> None:
    cell = draw.draw(st.tuples(st.integers(1, 6), st.integers(1, 8)))
    depth = draw.draw(st.integers(1, 13))
    selection = draw.draw(st.none() | hnp.arrays(bool, 12))
    driver = cut(Driver(DATA, [Cells(), SumUDF(), Cells()], selection=selection), cell, depth)
    cuts = draw.draw(st.lists(st.integers(0, len(driver.positions)), max_size=3))

    results = driver.run(cuts)

    kept = DATA.reshape(12, 6, 8)[driver.positions].astype(np.int64)
    for i in (0, 2):
        assert np.array_equal(results[i]["sig"].data, kept.sum(axis=0))
        assert np.array_equal(results[i]["extra"].data[..., 1], kept.sum(axis=0))
        assert np.array_equal(results[i]["nav"].raw_data, kept.sum(axis=(1, 2)))
        assert np.array_equal(results[i]["stack"].data[: len(kept)], kept)
    assert np.array_equal(results[1]["intensity"].data, kept.sum(axis=0))


@pytest.mark.parametrize("make", [SumUDF, SumSigUDF, CoMUDF.with_params])
def test_shipped_ones_do_not_notice(make: Any) -> None:
    data = RNG.random((3, 4, 6, 8)).astype(np.float32)
    expected = Driver(data, make()).run()[0]

    cells = cut(Driver(data, [make(), Cells()]), (4, 3), 2).run([5])[0]

    for name, buffer in expected.items():
        assert np.array_equal(buffer.data, cells[name].data, equal_nan=True)


def test_preferences_make_cells() -> None:
    class Small(Cells):
        def get_tiling_preferences(self) -> dict[str, Any]:
            return {"depth": 5, "total_size": 5 * 2 * 8 * 4}

    driver = Driver(DATA, [Small(), SumSigUDF()], travel=True)

    assert tuple(driver.reduction.spec.scheme().shape) == (5, 2, 8)
    results = driver.run([7])
    assert np.array_equal(results[0]["sig"].data, DATA.sum(axis=(0, 1)))
    assert np.array_equal(results[1]["intensity"].data, DATA.sum(axis=(2, 3)))


def test_who_needs_whole_frames_gets_them() -> None:
    class Frames(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"x": self.buffer("nav")}

        def process_frame(self, frame: np.ndarray) -> None:
            self.results.x[:] = frame.sum()

    class Small(Cells):
        def get_tiling_preferences(self) -> dict[str, Any]:
            return {"total_size": 1}

    driver = Driver(DATA, [Small(), Frames()])
    assert len(driver.reduction.spec.scheme()) == 1
    assert np.array_equal(driver.run()[1]["x"].data, DATA.sum(axis=(2, 3)))


def test_a_failure_in_a_cell_is_that_udfs_alone() -> None:
    class Fails(Cells):
        def process_tile(self, tile: np.ndarray) -> None:
            if self.meta.tiling_scheme_idx == 1:
                raise RuntimeError("not this one")

    driver = cut(Driver(DATA, [Fails(), Cells(), SumUDF()]), (3, 8), 4)
    part = driver.part(0, 12)
    assert part.results[0].message == "not this one"
    assert np.array_equal(part.results[1]["sig"], DATA.sum(axis=(0, 1)))


def test_three_signal_axes() -> None:
    data = RNG.integers(0, 9, (4, 3, 4, 5)).astype(np.float32)

    class Sums(UDF):
        def get_result_buffers(self) -> dict[str, BufferWrapper]:
            return {"sig": self.buffer("sig"), "nav": self.buffer("nav")}

        def process_tile(self, tile: np.ndarray) -> None:
            self.results.sig += tile.sum(axis=0)
            self.results.nav[:] += tile.reshape(len(tile), -1).sum(axis=1)

        def merge(self, dest: Any, src: Any) -> None:
            dest.sig += src.sig
            dest.nav[:] = src.nav

    result = cut(Driver(data, Sums(), sig_dims=3), (2, 3, 2), 3).run([1])[0]
    assert np.array_equal(result["sig"].data, data.sum(axis=0))
    assert np.array_equal(result["nav"].data, data.sum(axis=(1, 2, 3)))
