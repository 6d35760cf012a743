"""MemoryDataSet, and what users read off any data set."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framefold import Context
from framefold.core.shape import Shape, Slice
from framefold.errors import ParameterError, ShapeError
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import UDF, TilingScheme

ARRAY = np.arange(4 * 5 * 6 * 7, dtype=np.int32).reshape(4, 5, 6, 7)


class Shapes(UDF):
    """Counts tiles by their shape."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"depth": self.buffer("nav", dtype="int64"), "cells": self.buffer("nav", (), "i8")}

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.results.depth[:] = len(tile)
        self.results.cells[:] += 1


class TestKeywords:
    """Everything LiberTEM's tests and users' scripts give."""

    @pytest.mark.parametrize(
        ("shapes", "expected"),
        [
            ({}, (4, 5, 6, 7)),
            ({"sig_dims": 1}, (4, 5, 6, 7)),
            ({"sig_dims": 3}, (4, 5, 6, 7)),
            ({"nav_shape": (2, 10)}, (2, 10, 6, 7)),
            ({"nav_shape": (20,)}, (20, 6, 7)),
            ({"nav_shape": 20}, (20, 6, 7)),
            ({"nav_shape": (4, 5, 6)}, (4, 5, 6, 7)),
            ({"sig_shape": (42,)}, (4, 5, 42)),
            ({"sig_shape": (7, 6)}, (4, 5, 7, 6)),
            ({"sig_shape": (7,)}, (4, 5, 6, 7)),
            ({"sig_shape": 210}, (4, 210)),
            ({"datashape": (20, 6, 7)}, (20, 6, 7)),
        ],
    )
    def test_shapes(self, shapes: dict[str, Any], expected: tuple[int, ...]) -> None:
        assert tuple(MemoryDataSet(ARRAY, **shapes).shape) == expected

    def test_sig_dims(self) -> None:
        assert MemoryDataSet(ARRAY, sig_dims=1).shape.sig_dims == 1
        assert MemoryDataSet(ARRAY, nav_shape=(4, 5, 6)).shape.sig_dims == 1
        assert MemoryDataSet(ARRAY).shape == Shape((4, 5, 6, 7), 2)

    def test_without_data(self) -> None:
        zeros = MemoryDataSet(datashape=(3, 4, 5))

        assert zeros.dtype == np.float32
        assert not zeros.data.any()
        with pytest.raises(ParameterError, match="needs data=, or datashape="):
            MemoryDataSet()

    def test_axes_that_contradict(self) -> None:
        with pytest.raises(ShapeError, match="has not sig_dims=2 axes"):
            MemoryDataSet(ARRAY, sig_dims=2, sig_shape=(42,))

    @pytest.mark.parametrize("kind", ["coo", "csr"])
    def test_sparse(self, kind: str) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        flat = ARRAY.reshape(20, 42)
        made = getattr(sparse, f"{kind}_array")(flat)

        assert np.array_equal(MemoryDataSet(made, sig_dims=1).data, flat)

    def test_accepted_without_effect(self) -> None:
        data = MemoryDataSet(
            ARRAY, check_cast=False, base_shape=(1, 6, 7), force_need_decode=True, io_backend=1
        )

        assert data.initialize(None) is data
        assert data.check_valid()
        data.set_num_cores(3)

    def test_array_backends(self) -> None:
        assert MemoryDataSet(ARRAY).array_backends == ("numpy",)
        assert MemoryDataSet(ARRAY, array_backends=["sparse.COO"]).meta.array_backends == (
            "sparse.COO",
        )

    def test_delay(self) -> None:
        slow = MemoryDataSet(ARRAY, tiledelay=0.02, num_partitions=5)
        begin = time.monotonic()
        with Context.inline() as ctx:
            ctx.run_udf(slow, Shapes())

        assert time.monotonic() - begin >= 5 * 0.02

    @pytest.mark.parametrize(
        ("tileshape", "depth", "cells"), [((3, 2, 7), 3, 3), ((20, 6, 7), 20, 1), ((1, 4, 3), 1, 6)]
    )
    def test_shape_of_tiles(self, tileshape: tuple[int, ...], depth: int, cells: int) -> None:
        data = MemoryDataSet(ARRAY, tileshape=tileshape, num_partitions=1)
        with Context.inline() as ctx:
            found = ctx.run_udf(data, Shapes())

        assert isinstance(found, dict)
        assert found["depth"].data.max() == depth
        assert (found["cells"].data == cells).all()

    def test_shape_of_tiles_that_does_not_fit(self) -> None:
        data = MemoryDataSet(ARRAY, tileshape=(2, 7))
        with Context.inline() as ctx, pytest.raises(ShapeError, match=r"tiles of shape \(2, 7\)"):
            ctx.run_udf(data, Shapes())


class TestSurface:
    """What is read off a data set."""

    def test_facts(self) -> None:
        data = MemoryDataSet(ARRAY, sync_offset=2)

        assert data.dtype == data.raw_dtype == np.int32
        assert data.meta.shape == data.shape
        assert data.meta.dtype == data.meta.raw_dtype == data.dtype
        assert (data.meta.sync_offset, data.meta.image_count) == (2, 20)
        assert {"name": "Pixel type", "value": "int32"} in data.diagnostics
        assert all(set(fact) == {"name", "value"} for fact in data.diagnostics)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, (0, 0, 0, 0)),
            ({"sync_offset": 3}, (3, 0, 0, 3)),
            ({"sync_offset": -3}, (0, 3, 3, 0)),
            ({"nav_shape": (4, 4)}, (0, 4, 0, 0)),
            ({"nav_shape": (5, 5), "sync_offset": -2}, (0, 0, 2, 3)),
        ],
    )
    def test_sync_offset_info(self, options: Any, expected: tuple[int, ...]) -> None:
        info = MemoryDataSet(ARRAY, **options).get_sync_offset_info()

        assert tuple(info.values()) == expected
        assert next(iter(info)) == "frames_skipped_start"

    @pytest.mark.parametrize(
        "index", [(slice(1, 3), slice(2, 5)), 2, (1, 3), (..., 0), ([0, 1], [2, 2]), slice(None)]
    )
    def test_regions(self, index: Any) -> None:
        expected = np.zeros((4, 5), dtype=bool)
        expected[index] = True

        assert np.array_equal(MemoryDataSet(ARRAY).roi[index], expected)

    def test_partitions(self) -> None:
        data = MemoryDataSet(ARRAY, num_partitions=3)
        parts = list(data.get_partitions())

        assert len(parts) == data.get_num_partitions() == 3
        assert [p.slice.origin[0] for p in parts] == [0, 6, 13]
        assert parts[1].slice == Slice((6, 0, 0), Shape((7, 6, 7), 2))
        assert parts[1].shape == Shape((7, 6, 7), 2)
        assert parts[1].get_frame_count() == 7
        assert parts[1].get_frame_count(data.roi[1]) == 4
        assert parts[1].get_ident() == "partition-1"
        assert parts[1].get_locations() is None
        assert parts[1].meta == data.meta
        assert parts[1].dtype == np.int32

    def test_partitions_of_a_run(self) -> None:
        data = MemoryDataSet(ARRAY, num_partitions=4)

        assert data.partitions_in_run(2, None) == 4
        assert data.partitions_in_run(2, data.roi[0].reshape(-1)) == 1
        assert data.partitions_in_run(2, np.zeros(20, dtype=bool)) == 0


class TestTiles:
    """Frames without a run."""

    @pytest.mark.parametrize("offset", [0, 4, -4])
    @pytest.mark.parametrize("selected", [False, True])
    @pytest.mark.parametrize("cell", [(6, 7), (4, 7), (1, 2)])
    def test_cover_everything_once(
        self, offset: int, selected: bool, cell: tuple[int, int]
    ) -> None:
        data = MemoryDataSet(ARRAY, num_partitions=3, sync_offset=offset)
        roi = np.random.default_rng(2).random((4, 5)) < 0.5 if selected else None
        scheme = TilingScheme.make_for_shape(Shape((3, *cell), 2), data.shape)
        wanted = np.ones(20, bool) if roi is None else roi.reshape(-1)
        stack = np.zeros((int(wanted.sum()), 6, 7), np.float64)
        count = np.zeros_like(stack)
        for part in data.get_partitions():
            for tile in part.get_tiles(scheme, dest_dtype="float64", roi=roi):
                assert tile.dtype == np.float64
                assert tile.shape == tuple(tile.tile_slice.shape)
                assert len(tile) <= 3
                index = tile.tile_slice.get()
                stack[index] += np.asarray(tile)
                count[index] += 1

        expected = np.zeros((20, 6, 7))
        there = np.zeros(20, bool)
        if offset >= 0:
            expected[: 20 - offset], there[: 20 - offset] = ARRAY.reshape(20, 6, 7)[offset:], True
        else:
            expected[-offset:], there[-offset:] = ARRAY.reshape(20, 6, 7)[:offset], True
        assert np.array_equal(stack, expected[wanted])
        assert np.array_equal(count[:, 0, 0], there[wanted].astype(float))

    def test_without_a_scheme(self) -> None:
        part = next(MemoryDataSet(ARRAY, num_partitions=1).get_partitions())
        tiles = list(part.get_tiles())

        assert np.array_equal(np.concatenate([t.data for t in tiles]), ARRAY.reshape(20, 6, 7))
        assert tiles[0].flat_data.shape == (len(tiles[0]), 42)
        assert np.array_equal(tiles[0][0], ARRAY[0, 0])

    def test_macrotile(self) -> None:
        data = MemoryDataSet(ARRAY, num_partitions=2, sync_offset=-3)
        first = next(data.get_partitions())
        whole = first.get_macrotile(dest_dtype="int64")

        assert not whole.data[:3].any()
        assert np.array_equal(whole.data[3:], ARRAY.reshape(20, 6, 7)[:7])
        assert first.get_macrotile(roi=np.zeros((4, 5), bool)).shape == (0, 6, 7)


def test_axes_of_other_frames_than_the_array_has() -> None:
    dataset = MemoryDataSet(ARRAY, sig_dims=1, sig_shape=(42,))

    assert tuple(dataset.shape) == (4, 5, 42)
    assert dataset.shape.sig_dims == 1


def test_partitions_are_cut_as_asked() -> None:
    dataset = MemoryDataSet(ARRAY, tileshape=(3, 4, 4), num_partitions=2)
    found = np.zeros((20, 6, 7), np.float32)

    for partition in dataset.get_partitions():
        for tile in partition.get_tiles():
            depth, height, width = tile.tile_slice.shape
            assert depth <= 3
            assert (height, width) in {(4, 4), (4, 3), (2, 4), (2, 3)}
            found[tile.tile_slice.get()] = tile.data

    assert np.array_equal(found, ARRAY.reshape(found.shape))
