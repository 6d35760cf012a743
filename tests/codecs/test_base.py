"""Wrong use of a codec is an error that says what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from framefold.codecs.base import Batch
from framefold.errors import ParameterError, ShapeError

SOURCE = np.zeros(10, np.uint8)
ONE = np.zeros(1, np.int64)
OUT = np.zeros((1, 2, 2), np.uint16)


class TestBatch:
    def test_takes_down_sizes(self):
        batch = Batch.of(SOURCE, ONE, ONE, OUT, True)

        assert (batch.source_bytes, batch.status.shape, batch.frame_bytes) == (10, (1,), 8)
        assert (batch.pixel_bytes, batch.swap) == (2, 2)

    @pytest.mark.parametrize(
        ("dtype", "unit"), [("u1", 1), ("f4", 4), ("c8", 4), ("c16", 8), ("S10", 1), ("?", 1)]
    )
    def test_swaps_numbers_only(self, dtype, unit):
        assert Batch.of(SOURCE, ONE, ONE, np.zeros((1, 4), dtype), True).swap == unit
        assert Batch.of(SOURCE, ONE, ONE, np.zeros((1, 4), dtype), False).swap == 1

    def test_read_only_source_and_narrow_tables(self):
        source = np.frombuffer(b"0123456789", np.uint8)

        frozen = np.zeros(1, np.int64)
        frozen.setflags(write=False)

        for table in (np.zeros(1, np.int32), np.zeros(2, np.int64)[::2], frozen):
            batch = Batch.of(source, table, table, OUT, False)

            assert batch.source == source.ctypes.data
            for kept in (batch.offsets, batch.lengths):
                assert kept.dtype == np.int64
                assert kept.flags.carray

    @pytest.mark.parametrize(
        "source", [SOURCE.view(np.int8), SOURCE[::2], SOURCE.reshape(2, 5), np.zeros(4, np.uint16)]
    )
    def test_source_must_be_bytes(self, source):
        with pytest.raises(ParameterError, match="contiguous bytes"):
            Batch.of(source, ONE, ONE, OUT, False)

    def test_out_must_be_ours_to_write(self):
        frozen = OUT.copy()
        frozen.setflags(write=False)
        for out in (
            frozen,
            np.zeros((1, 4, 4), "u2")[:, ::2],
            OUT.astype(OUT.dtype.newbyteorder()),
        ):
            with pytest.raises(ParameterError, match="C-contiguous"):
                Batch.of(SOURCE, ONE, ONE, out, False)

    @pytest.mark.parametrize("dtype", ["O", "V0"])
    def test_pixels_must_be_pixels(self, dtype):
        with pytest.raises(ParameterError, match="no type of pixels"):
            Batch.of(SOURCE, ONE, ONE, np.zeros((1, 4), dtype), False)

    def test_as_many_rows_as_frames(self):
        two = np.zeros(2, np.int64)
        for offsets, lengths in ((two, ONE), (ONE, two), (two, two)):
            with pytest.raises(ShapeError, match="do not fit"):
                Batch.of(SOURCE, offsets, lengths, OUT, False)

    def test_wide_floats_cannot_be_swapped(self):
        with pytest.raises(ParameterError, match="big-endian"):
            Batch.of(SOURCE, ONE, ONE, np.zeros((1, 2), np.longdouble), True)
