"""Buffers driven by hand, as third-party code and tests of UDFs do."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.core.shape import Shape, Slice
from framefold.errors import ShapeError
from framefold.udf import BufferWrapper

DATASET = Shape((4, 5, 6, 7), 2)
PARTITION = Slice((5, 0, 0), Shape((10, 6, 7), 2))
ROI = np.zeros((4, 5), bool)
ROI[1, ::2] = ROI[3, 3] = True


class Part:
    def __init__(self, box: Slice) -> None:
        self.slice = box


def tile(first: int, count: int, rows: slice = slice(0, 6), cols: slice = slice(0, 7)) -> Slice:
    shape = (count, rows.stop - rows.start, cols.stop - cols.start)
    return Slice((first, rows.start, cols.start), Shape(shape, 2))


@pytest.mark.parametrize(
    ("kind", "shape"), [("nav", (20, 2)), ("sig", (6, 7, 2)), ("single", (2,))]
)
def test_whole_data_set(kind: str, shape: tuple[int, ...]) -> None:
    buffer = BufferWrapper(kind, (2,), "int32")
    with pytest.raises(ShapeError, match="set_shape_ds"):
        buffer.allocate()
    buffer.set_shape_ds(DATASET)
    with pytest.raises(ShapeError, match="allocate"):
        buffer.get_view_for_dataset()
    assert not buffer.has_data()
    buffer.allocate(lib=np)
    assert buffer.has_data()
    assert buffer.shape == buffer.get_view_for_dataset(None).shape == shape
    assert buffer.make_default_mask().all()
    assert buffer.export() is buffer
    assert issubclass(buffer.result_buffer_type, BufferWrapper)
    buffer.replace_array(np.ones(shape, "int32"))
    assert (buffer.raw_data == 1).all()
    with pytest.raises(ShapeError):
        buffer.replace_array(np.ones((1, *shape)))
    buffer.add_partitions([])


def test_rows_of_partitions_and_selections() -> None:
    buffer = BufferWrapper("nav", (), "int32")
    buffer.set_shape_ds(DATASET, ROI)
    buffer.allocate()
    buffer.raw_data[:] = np.arange(4)
    assert buffer.get_view_for_partition(Part(PARTITION)).tolist() == [0, 1, 2]
    assert buffer.data.shape == (4, 5)
    assert not buffer.roi_is_zero
    buffer.set_shape_ds(DATASET, np.zeros(20, bool))
    assert buffer.roi_is_zero


@pytest.mark.parametrize("extra", [(), (3,)])
def test_frames_and_tiles(extra: tuple[int, ...]) -> None:
    buffer = BufferWrapper("nav", extra, "int32")
    buffer.set_shape_partition(Part(PARTITION))
    buffer.allocate()
    assert buffer.shape == (10, *extra)
    view = buffer.get_view_for_tile(PARTITION, tile(7, 4))
    view[:] = 1
    assert np.flatnonzero(buffer.raw_data.reshape(10, -1)[:, 0]).tolist() == [2, 3, 4, 5]
    frame = buffer.get_view_for_frame(PARTITION, tile(7, 4), 3)
    assert frame.shape == (extra or (1,))
    assert (frame == 1).all()
    single = BufferWrapper("single")
    single.set_shape_partition(PARTITION)
    single.allocate()
    assert single.get_view_for_tile(PARTITION, tile(7, 1)).shape == (1,)
    assert single.get_view_for_frame(PARTITION, tile(7, 1), 0).shape == (1,)
    assert single.get_view_for_partition(PARTITION).shape == (1,)


def test_parts_of_the_detector() -> None:
    buffer = BufferWrapper("sig", (), "int32")
    buffer.set_shape_partition(PARTITION)
    buffer.allocate()
    corner = tile(5, 3, slice(2, 4), slice(3, 6))
    assert buffer.get_view_for_frame(PARTITION, corner, 0).shape == (2, 3)
    part = buffer.get_contiguous_view_for_tile(PARTITION, corner)
    assert part.flags.c_contiguous
    assert buffer.get_contiguous_view_for_tile(PARTITION, corner) is part
    part[:] = 5
    assert not buffer.raw_data.any()
    buffer.flush()
    assert buffer.raw_data.sum() == 30
    rows = tile(5, 3, slice(2, 4))
    assert np.shares_memory(buffer.get_contiguous_view_for_tile(PARTITION, rows), buffer.raw_data)
    with pytest.raises(TypeError, match="no place"):
        buffer.get_view_for_tile(PARTITION, "here")
    only = BufferWrapper("sig", use="result_only")
    only.set_shape_ds(DATASET)
    only.allocate()
    assert not only.has_data()


class TestDefaultMask:
    """Positions that are there, for every entry of theirs."""

    SHAPE = Shape((3, 1, 4, 5), 2)

    def test_nav(self) -> None:
        buffer = BufferWrapper("nav", (1, 2), "float32")
        valid = np.array([True, True, False])

        mask = buffer.make_default_mask(valid, self.SHAPE)

        assert mask.shape == (3, 1, 2)
        assert np.array_equal(mask[:, 0, 1], valid)

    def test_nav_of_some_positions(self) -> None:
        buffer = BufferWrapper("nav", (2,), "float32")
        roi = np.array([[True], [False], [True]])

        mask = buffer.make_default_mask(np.array([True, False]), self.SHAPE, roi)

        assert mask.tolist() == [[True, True], [False, False]]

    @pytest.mark.parametrize(("kind", "shape"), [("sig", (4, 5, 2)), ("single", (2,))])
    def test_of_the_whole(self, kind: str, shape: tuple[int, ...]) -> None:
        mask = BufferWrapper(kind, (2,), "float32").make_default_mask(np.zeros(3, bool), self.SHAPE)

        assert mask.shape == shape
        assert mask.all()
