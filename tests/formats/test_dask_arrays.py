"""Dask arrays as data sets."""

import dask.array
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefold import Context, SumUDF
from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.errors import ParameterError
from framefold.formats.dask_arrays import DaskDataSet
from recordings_for_tests import counts, delivered


class TestArrays:
    """Whatever the chunks, the frames are those of the array."""

    @settings(max_examples=10, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(
        chunks=st.tuples(*(st.integers(1, n) for n in (3, 4, 5, 6))),
        partitions=st.integers(1, 12),
        offset=st.integers(-3, 3),
    )
    def test_equals_the_array(self, chunks, partitions, offset):
        data = counts((3, 4), (5, 6))
        lazy = dask.array.from_array(data, chunks=chunks)

        data_set = DaskDataSet(lazy, num_partitions=partitions, sync_offset=offset)
        got, times = delivered(data_set)

        numbers = np.arange(12) + offset
        there = (numbers >= 0) & (numbers < 12)
        assert (times == there).all()
        assert (got[there] == data.reshape(12, 5, 6)[numbers[there]]).all()

    def test_in_worker_processes(self):
        data = counts((3, 4), (5, 6))
        lazy = dask.array.from_array(data, chunks=(1, 4, 5, 6)) * 2 + 1

        with Context(workers=2) as ctx:
            total = ctx.run_udf(dataset=ctx.load("dask", lazy), udf=SumUDF())

        assert (total["intensity"].data == (data * 2 + 1).sum(axis=(0, 1))).all()

    def test_a_block_carries_its_own_part_alone(self):
        lazy = dask.array.from_array(np.zeros((64, 100, 100)), chunks=(1, 100, 100))
        (first, *_) = DaskDataSet(lazy, num_partitions=64).reader().blocks(BlockPlan())

        assert len(first.pieces[0].boxes) < 200_000

    def test_what_the_graph_raises_costs_the_frames(self):
        def fail(block):
            raise OSError("no disk")

        lazy = dask.array.zeros((4, 5, 6), chunks=(1, 5, 6), dtype="u2")
        lazy = lazy.map_blocks(fail, dtype="u2", meta=np.empty((0, 0, 0), "u2"))
        (block,) = DaskDataSet(lazy, num_partitions=1).reader().blocks(BlockPlan())

        with block.open() as frames, pytest.raises(UndecodableFrames, match="no disk"):
            frames.read(np.arange(2), np.empty((2, 5, 6), "u2"))

    @pytest.mark.parametrize("data", [np.zeros((3, 4, 5)), [1], "text"])
    def test_others_are_refused(self, data):
        with pytest.raises(ParameterError, match="not a Dask array"):
            DaskDataSet(data)
