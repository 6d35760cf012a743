"""Aux data that are declared first and filled later."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold import Context
from framefold.compat.aux_buffers import AuxBufferWrapper
from framefold.errors import ParameterError, ShapeError
from framefold.formats.memory_dataset import MemoryDataSet
from framefold.udf import UDF, AuxData, BufferWrapper

VALUES = np.random.default_rng(1).random((4, 6, 2)).astype(np.float32)


class Copied(UDF):
    """Shows its aux data."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        return {"seen": self.buffer("nav", extra_shape=(2,))}

    def process_frame(self, frame: np.ndarray) -> None:
        self.results.seen[:] = self.params.aux


def filled() -> AuxBufferWrapper:
    """Two values for each position."""
    aux = AuxBufferWrapper(kind="nav", extra_shape=(2,))
    aux.set_buffer(VALUES)
    return aux


class TestAuxBufferWrapper:
    """As good as what ``UDF.aux_data`` makes."""

    def test_in_a_run(self) -> None:
        with Context.inline() as ctx:
            found = ctx.run_udf(MemoryDataSet(datashape=(4, 6, 3, 3)), Copied(aux=filled()))

        assert np.array_equal(found["seen"].data, VALUES)

    def test_empty_is_refused_before_a_run(self) -> None:
        empty = Copied(aux=AuxBufferWrapper("nav", (2,), "float32"))
        with Context.inline() as ctx, pytest.raises(ShapeError, match="0 entries"):
            ctx.run_udf(MemoryDataSet(datashape=(4, 6, 3, 3)), empty)

    def test_what_is_one(self) -> None:
        made = UDF.aux_data(VALUES, kind="nav", extra_shape=(2,))

        assert isinstance(made, AuxBufferWrapper)
        assert isinstance(filled(), AuxData)
        assert not isinstance(BufferWrapper("nav"), AuxBufferWrapper)
        assert np.array_equal(pickle.loads(pickle.dumps(filled())).raw_data, filled().raw_data)

    @given(st.integers(1, 24), st.lists(st.booleans(), min_size=24, max_size=24), st.booleans())
    def test_of_each_partition(self, count: int, chosen: list[bool], everything: bool) -> None:
        data_set = MemoryDataSet(datashape=(4, 6, 3, 3), num_partitions=count)
        roi = None if everything else np.reshape(chosen, (4, 6))

        parts = [filled().new_for_partition(p, roi) for p in data_set.get_partitions()]

        expected = VALUES.reshape(-1, 2) if roi is None else VALUES[roi]
        assert np.array_equal(np.concatenate([p.raw_data for p in parts]), expected)

    def test_only_of_positions(self) -> None:
        (partition,) = MemoryDataSet(datashape=(2, 3, 3), num_partitions=1).get_partitions()
        with pytest.raises(ParameterError, match="the same for each partition"):
            AuxBufferWrapper("sig").new_for_partition(partition)
