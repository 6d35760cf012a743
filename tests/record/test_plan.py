"""Which files a recording consists of."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.acquisition import Acquisition
from framefold.core.scan import Scan
from framefold.errors import ConfigError
from framefold.record.plan import FRAME_OVERHEAD_BYTES, Plan, folder_of, free_name, needed_bytes


def acquisition(nav=(3, 5)):
    return Acquisition("a", "b", Scan(nav), (4, 8), np.dtype("u2"))


class TestPlan:
    """Files of bounded size, every position in one of them."""

    @given(st.integers(1, 5000), st.integers(1, 700))
    def test_every_position_has_one_place(self, positions, per_file):
        plan = Plan(Path(), "x", positions, per_file)
        spans = [plan.span(number) for number in range(plan.files)]

        assert spans[0][0] == 0
        assert spans[-1][1] == positions
        assert all(a[1] == b[0] for a, b in pairwise(spans))
        for position in {0, positions - 1, positions // 2}:
            start, stop = spans[plan.file_of(position)]
            assert start <= position < stop

    def test_bounded_size(self):
        plan = Plan.of(acquisition(), Path(), "x", 1000)
        assert plan.frames_per_file == 1000 // (64 + FRAME_OVERHEAD_BYTES)
        assert Plan.of(acquisition(), Path(), "x", 1).frames_per_file == 1

    def test_needed(self):
        assert needed_bytes(acquisition()) == 15 * (64 + FRAME_OVERHEAD_BYTES)
        assert needed_bytes(acquisition(), 0.5) == 15 * (32 + FRAME_OVERHEAD_BYTES)


class TestNames:
    """Where files go, and what they are called."""

    def test_folder(self):
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert folder_of("/data/{date}/x", moment) == Path("/data/2026-03-01/x")
        for wrong in ("{sample}", "{", "{0}"):
            with pytest.raises(ConfigError, match=r"only .date. is known"):
                folder_of(wrong)

    def test_free_name(self, tmp_path):
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        first = free_name(tmp_path, "a/b c", "_master.h5", moment)
        assert first.endswith("_a-b-c")
        (tmp_path / f"{first}_master.h5").touch()
        assert free_name(tmp_path, "a/b c", "_master.h5", moment) == f"{first}-2"
        assert free_name(tmp_path, "a/b c", "_wire.fflog", moment) == first
