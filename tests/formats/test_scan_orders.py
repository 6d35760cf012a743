"""Recordings of scans that are no plain raster: through the reader that all formats share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.api import Context
from framefold.core.block import UndecodableFrames
from framefold.core.reader import BlockPlan
from framefold.core.scan import NOWHERE
from framefold.errors import DataError, ParameterError, ScanError
from framefold.formats import ArrayDataSet, open_dataset
from framefold.formats.position_files import read_positions
from framefold.formats.summing import SummedBlock, sum_type
from recordings_for_tests import counts, delivered, write_bslz4


@pytest.fixture
def frames(tmp_path):
    """62 frames in a file, and the array."""
    data = counts((62,), (4, 6))
    np.save(tmp_path / "frames.npy", data)
    return tmp_path / "frames.npy", data


def placed(data_set, data):
    """What a scan makes of frames, by its own rule."""
    scan = data_set.acquisition.scan
    frames = np.zeros((scan.size, *data.shape[1:]), data_set.dtype)
    each = scan.frames_per_position if scan.sums else 1
    number = scan.numbers(0, scan.size)
    there = (number != NOWHERE) & (number + each <= len(data))
    for i in range(each):
        frames[there] += data[number[there] + i].astype(data_set.dtype)
    return frames, there


class TestOrders:
    """Frames come at their positions, whatever the order of the scan."""

    @pytest.mark.parametrize(
        "options",
        [
            {"nav_shape": (6, 10), "scan_order": "snake"},
            {"nav_shape": (6, 9), "flyback": 1},
            {"nav_shape": (6, 9), "flyback": 1, "lead_in": 2, "scan_order": "snake"},
            {"nav_shape": (-1, 5), "flyback": 2, "sync_offset": -3},
            {"nav_shape": (5, 4), "frames_per_position": 3},
            {"nav_shape": (5, 4), "frames_per_position": 3, "repeats": "axis"},
            {"nav_shape": (5, 4), "frames_per_position": 3, "sync_offset": -1, "flyback": 1},
            {"nav_shape": (8, 8), "positions": np.random.default_rng(3).permutation(64)},
            {"nav_shape": (8, 8), "positions": np.r_[np.arange(40), np.arange(40) - 5]},
        ],
    )
    @pytest.mark.parametrize("kind", ["npy", "bslz4", "memory"])
    def test_equals_numpy(self, frames, tmp_path, options, kind):
        path, data = frames
        if kind == "memory":
            data_set = ArrayDataSet(data, **options)
        elif kind == "bslz4":
            data_set = open_dataset(write_bslz4(tmp_path / "a.h5", data), **options)
        else:
            data_set = open_dataset(path, **options)
        wanted, there = placed(data_set, data)

        got, times = delivered(data_set)

        assert (times == there).all()
        assert (got == wanted).all()
        assert (data_set.has_frame() == there).all()

    @given(st.data())
    def test_any_cut_any_rows(self, data):
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        array = counts((40,), (2, 3))
        data_set = ArrayDataSet(
            array,
            nav_shape=(6, 6),
            scan_order="snake",
            flyback=1,
            sync_offset=data.draw(st.integers(-8, 8)),
            num_partitions=data.draw(st.integers(1, 36)),
        )
        wanted, _ = placed(data_set, array)

        for block in data_set.reader().blocks(BlockPlan()):
            with block.open() as opened:
                count = len(opened.positions)
                rows = np.flatnonzero(rng.random(count) < 0.5)
                out = np.empty((count, 2, 3), array.dtype)
                assert (opened.read(rows, out) == wanted[opened.positions[rows]]).all()

    def test_counts_what_has_no_place(self, frames):
        path, _ = frames
        data_set = open_dataset(path, nav_shape=(6, 9), flyback=1, lead_in=1)
        reader = data_set.reader()
        list(reader.blocks(BlockPlan()))

        losses = reader.ending().losses

        assert (losses.received, losses.missing, losses.nowhere) == (54, 0, 62 - 54)

    def test_counts_positions_visited_again(self, frames):
        path, _ = frames
        data_set = open_dataset(path, nav_shape=31, positions=np.arange(62) % 31)
        reader = data_set.reader()
        list(reader.blocks(BlockPlan()))

        losses = reader.ending().losses

        assert (losses.received, losses.duplicate, losses.nowhere) == (31, 31, 0)

    def test_positions_without_a_frame_are_not_valid(self, frames):
        path, data = frames
        table = np.array([5, 0, 3])
        with Context.inline() as context:
            data_set = context.load(path, nav_shape=(2, 3), positions=table)
            sums = context.map(data_set, np.sum)

        assert sums.valid_mask.tolist() == [[True, False, False], [True, False, True]]
        assert sums.data.reshape(-1)[[5, 0, 3]].tolist() == data[:3].sum((1, 2)).tolist()


class TestSums:
    """Several frames at a position are added in a type that holds them."""

    @pytest.mark.parametrize(
        ("dtype", "each", "wide"),
        [
            ("u1", 2, "u2"), ("u1", 257, "u2"), ("u1", 258, "u4"), ("u2", 3, "u4"),
            ("i2", 2, "i4"), ("?", 3, "u1"), ("f4", 9, "f4"), ("u8", 2, "u8"),
        ],
    )  # fmt: skip
    def test_types(self, dtype, each, wide):
        assert sum_type(np.dtype(dtype), each) == np.dtype(wide)

    def test_a_lacking_frame_costs_its_position(self, frames):
        path, data = frames
        data_set = open_dataset(path, nav_shape=21, frames_per_position=3)

        got, times = delivered(data_set)

        assert times.tolist() == [1] * 20 + [0]
        assert (got[19] == data[57:60].astype("u4").sum(0)).all()

    def test_a_damaged_frame_costs_its_position(self):
        class Damaged:
            positions = np.arange(9)

            def read(self, rows, out):
                if (rows == 4).any():
                    raise UndecodableFrames(np.array([4]), "on purpose")
                return np.ones((len(rows), 2), "u1")

        class Block:
            ident = 0

            def open(self):
                from contextlib import nullcontext

                return nullcontext(Damaged())

        block = SummedBlock.of(Block(), ((0, 9),), 3, np.dtype("u1"), (2,))
        with block.open() as opened, pytest.raises(UndecodableFrames) as caught:
            opened.read(np.arange(3), np.empty((3, 2), "u2"))

        assert caught.value.rows.tolist() == [1]


class TestPositionFiles:
    """One line a frame."""

    @pytest.mark.parametrize(
        ("text", "table"),
        [
            ("0,0\n0,1\n2,4\n", [[0, 0], [0, 1], [2, 4]]),
            ("x,y\n1,2\n3,4\n", [[2, 1], [4, 3]]),
            ("row;col\n1;2\n", [[1, 2]]),
            ("# of a scan\n\n 7 \n 3\n", [7, 3]),
            ("1 2\n3\t4\n", [[1, 2], [3, 4]]),
            ("\ufeff1,2\n", [[1, 2]]),
        ],
    )
    def test_reads(self, tmp_path, text, table):
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")

        assert read_positions(tmp_path / "a.csv").tolist() == table

    def test_reads_npy(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([[1, 2]]))

        assert read_positions(tmp_path / "a.npy").tolist() == [[1, 2]]

    @pytest.mark.parametrize(
        ("content", "error", "words"),
        [
            (b"a,b\n1,2\n", DataError, "call them y,x"),
            (b"1,2\n3\n", DataError, "line 2"),
            (b"1,2\nx,4\n", DataError, "line 2"),
            (b"1.5,2\n", ScanError, "fractions"),
            (b"", DataError, "no numbers"),
            (b"\xff\xfe\x00", DataError, "no text"),
            (b"\x93NUMPY\x01", DataError, "damaged"),
        ],
    )
    def test_says_what_is_wrong(self, tmp_path, content, error, words):
        (tmp_path / "a.csv").write_bytes(content)

        with pytest.raises(error, match=words):
            read_positions(tmp_path / "a.csv")

    def test_no_file(self, tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_positions(tmp_path / "absent.csv")


class TestOptions:
    """Every format takes them."""

    @pytest.mark.parametrize(
        ("option", "words"),
        [
            ({"scan_order": "spiral"}, "'raster' or 'snake'"),
            ({"flyback": -1}, "at least 0"),
            ({"frames_per_position": 0}, "at least 1"),
            ({"repeats": "mean"}, "'sum' or 'axis'"),
            ({"flybak": 1}, "did you mean 'flyback'"),
        ],
    )
    def test_wrong_ones(self, frames, option, words):
        with pytest.raises(ParameterError, match=words):
            open_dataset(frames[0], **option)
