"""Arrays in memory."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefold.core.reader import BlockPlan
from framefold.errors import ParameterError, ScanError, ShapeError
from framefold.formats import ArrayDataSet
from recordings_for_tests import counts, delivered


class TestArrayDataSet:
    """Delivers every frame once, where the scan says."""

    @settings(deadline=None)
    @given(
        frames=st.integers(1, 40),
        shape=st.one_of(st.none(), st.tuples(st.integers(1, 8), st.integers(1, 8))),
        offset=st.integers(-45, 45),
        partitions=st.one_of(st.none(), st.integers(1, 6)),
        workers=st.integers(1, 5),
        seed=st.integers(0, 3),
    )
    def test_equals_numpy(self, frames, shape, offset, partitions, workers, seed):
        data = counts((frames,), (3, 4))
        if abs(offset) >= frames:
            with pytest.raises(ScanError, match="sync_offset"):
                ArrayDataSet(data, nav_shape=shape, sync_offset=offset)
            return
        size = frames if shape is None else shape[0] * shape[1]
        if partitions is not None:
            partitions = min(partitions, size)
        data_set = ArrayDataSet(
            data, nav_shape=shape, sync_offset=offset, num_partitions=partitions
        )
        selection = None
        if seed:
            selection = np.random.default_rng(seed).random(size) < 0.5

        got, times = delivered(data_set, workers=workers, selection=selection)

        numbers = np.arange(size) + offset
        there = (numbers >= 0) & (numbers < frames)
        expected = np.zeros((size, 3, 4), data.dtype)
        expected[there] = data[numbers[there]]
        wanted = there if selection is None else there & selection
        assert (times[wanted] == 1).all()
        assert not times[~there].any()
        assert (got[times > 0] == expected[times > 0]).all()

    def test_leaves_out_partitions_without_a_selected_position(self):
        data_set = ArrayDataSet(counts((4, 4), (2, 2)), num_partitions=4)
        selection = np.zeros(16, dtype=bool)
        selection[5] = True

        blocks = list(data_set.reader().blocks(BlockPlan(2, selection)))

        assert [block.ident for block in blocks] == [1]
        assert blocks[0].spans == ((4, 8),)

    def test_a_block_carries_only_its_part(self):
        data_set = ArrayDataSet(np.zeros((64, 100, 100), dtype="u1"), num_partitions=64)

        block = next(iter(data_set.reader().blocks(BlockPlan())))

        assert len(pickle.dumps(block)) < 11_000

    def test_consecutive_rows_come_as_read_only_views(self):
        data = counts((6,), (2, 2))
        block = next(iter(ArrayDataSet(data, num_partitions=1).reader().blocks(BlockPlan())))

        with block.open() as opened:
            pixels = opened.read(np.arange(2, 5), np.empty((3, 2, 2), data.dtype))

        assert np.shares_memory(pixels, data)
        assert not pixels.flags.writeable
        assert data.flags.writeable

    def test_scattered_rows_are_gathered(self):
        data = counts((9,), (2, 2))
        block = next(iter(ArrayDataSet(data, num_partitions=1).reader().blocks(BlockPlan())))
        rows = np.array([0, 1, 4, 7, 8])

        with block.open() as opened:
            pixels = opened.read(rows, np.empty((6, 2, 2), data.dtype))

        assert (pixels == data[rows]).all()

    def test_turns_foreign_byte_order_round(self):
        data = counts((5,), (2, 3)).astype(">u2")
        data_set = ArrayDataSet(data)

        got, _ = delivered(data_set)

        assert data_set.acquisition.dtype.isnative
        assert (got == data).all()

    def test_another_frame_shape_of_the_same_size(self):
        data = counts((5,), (2, 6))

        got, _ = delivered(ArrayDataSet(data, sig_shape=(3, 4)))

        assert (got == data.reshape(5, 3, 4)).all()

    def test_one_frame_alone(self):
        data_set = ArrayDataSet(counts((), (4, 4)))

        assert data_set.acquisition.nav_shape == (1,)

    @pytest.mark.parametrize(
        ("options", "error", "said"),
        [
            ({"nav_shape": (0, 4)}, ScanError, "nav_shape=\\(0, 4\\)"),
            ({"nav_shape": (-2, 4)}, ScanError, "nav_shape"),
            ({"sig_shape": (3, 3)}, ShapeError, "9 pixels"),
            ({"sig_dims": 4}, ParameterError, "sig_dims=4"),
            ({"num_partitions": 0}, ParameterError, "num_partitions=0"),
            ({"nav_shape": (2.5, 4)}, ParameterError, "2.5"),
        ],
    )
    def test_refuses_what_does_not_fit(self, options, error, said):
        with pytest.raises(error, match=said):
            ArrayDataSet(counts((12,), (4, 4)), **options)

    def test_refuses_text(self):
        with pytest.raises(ParameterError, match="give numbers"):
            ArrayDataSet(np.array([[["a"]]]))


class TestReader:
    """Counts what it hands out and says how it ended."""

    def test_surplus_frames_have_no_place(self):
        reader = ArrayDataSet(counts((10,), (2, 2)), nav_shape=(2, 4)).reader()

        list(reader.blocks(BlockPlan()))

        assert reader.losses().nowhere == 2
        assert reader.losses().received == 8
        assert reader.ending().complete

    def test_positions_without_a_frame_are_missing(self):
        reader = ArrayDataSet(counts((10,), (2, 2)), nav_shape=(3, 4)).reader()

        list(reader.blocks(BlockPlan()))

        ending = reader.ending()
        assert ending.complete
        assert ending.losses.missing == 2
        assert "2 scan positions" in ending.reason

    def test_only_selected_positions_can_be_missing(self):
        selection = np.zeros(12, dtype=bool)
        selection[11] = True
        reader = ArrayDataSet(counts((10,), (2, 2)), nav_shape=(3, 4)).reader()

        blocks = list(reader.blocks(BlockPlan(1, selection)))

        assert not blocks
        assert reader.losses().missing == 1

    def test_stops_when_told(self):
        reader = ArrayDataSet(counts((10,), (2, 2)), num_partitions=5).reader()
        blocks = reader.blocks(BlockPlan())
        next(blocks)

        reader.stop()

        assert list(blocks) == []
        assert not reader.ending().complete

    def test_stopping_after_the_end_changes_nothing(self):
        reader = ArrayDataSet(counts((10,), (2, 2))).reader()
        list(reader.blocks(BlockPlan()))

        reader.stop()

        assert reader.ending().complete
