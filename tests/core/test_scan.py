"""A scan gives each frame number its place, or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.scan import NOWHERE, Scan
from framefold.errors import ScanError

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
offsets = st.integers(-30, 30)


class TestScan:
    """Positions count in C order, from the sync offset on."""

    @given(shapes, offsets)
    def test_one_number_is_like_many(self, shape, offset):
        scan = Scan(shape, offset)
        numbers = range(scan.size + 40)

        assert [scan.position(n) for n in numbers] == scan.positions(0, len(numbers)).tolist()

    @given(shapes, offsets, st.one_of(st.none(), st.integers(0, 800)))
    def test_reachable_positions_are_those_a_frame_has(self, shape, offset, frames):
        scan = Scan(shape, offset)
        enough = scan.size + 40 if frames is None else frames
        found = scan.positions(0, enough)

        assert scan.reachable(frames) == np.count_nonzero(found != NOWHERE)

    def test_frames_to_skip(self):
        assert Scan((2, 2), 3).positions(0, 8).tolist() == [-1, -1, -1, 0, 1, 2, 3, -1]

    def test_positions_to_leave_blank(self):
        assert Scan((2, 2), -1).positions(0, 4).tolist() == [1, 2, 3, -1]

    @pytest.mark.parametrize("shape", [(), (0,), (4, 0), (-1, 4)])
    def test_shapes_without_positions(self, shape):
        with pytest.raises(ScanError):
            Scan(shape)

    @pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, -1)])
    def test_numbers_below_zero(self, first, count):
        with pytest.raises(ScanError, match="start at 0"):
            Scan((4,)).positions(first, count)


class TestFit:
    """What the user leaves open is worked out from the number of frames."""

    @pytest.mark.parametrize(
        ("frames", "shape", "fitted"),
        [
            (16, None, (4, 4)),
            (15, None, (15,)),
            (16, (-1, 4), (4, 4)),
            (18, (-1, 4), (4, 4)),  # whole lines only
            (16, (-1, -1), (4, 4)),
            (32, (2, -1, -1), (2, 4, 4)),
            (None, (3, 5), (3, 5)),
            (7, (3, 5), (3, 5)),
        ],
    )
    def test_fits(self, frames, shape, fitted):
        assert Scan.fit(frames, shape).shape == fitted

    @pytest.mark.parametrize(
        ("frames", "shape", "words"),
        [
            (None, None, "give nav_shape"),
            (0, None, "give nav_shape"),
            (None, (-1, 4), "give every axis"),
            (3, (-1, 4), "does not fit 3 frames"),
            (15, (-1, -1), "no square"),
            (16, (-1, -1, -1), "3 axes open"),
            (16, (-1, 0), "does not fit"),
            (16, (0, 4), "without positions"),
            (16, (-2, 4), "without positions"),
        ],
    )
    def test_does_not_fit(self, frames, shape, words):
        with pytest.raises(ScanError, match=words):
            Scan.fit(frames, shape)
