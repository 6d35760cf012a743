"""TVIPS series."""

import numpy as np
import pytest

from framefold.formats import open_dataset
from made_files import write_tvips
from recordings_for_tests import counts, delivered


class TestSeries:
    """A series may lie in several files."""

    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("dtype", ["u1", "u2"])
    def test_continued_files_are_found(self, tmp_path, version, dtype):
        data = counts((10,), (4, 5), dtype)
        path = write_tvips(tmp_path, data, version=version, per_file=4)

        data_set = open_dataset(path, nav_shape=(2, 5))
        got, times = delivered(data_set)

        assert data_set.frames == 10
        assert data_set.acquisition.metadata["ht"] == 200
        assert (times == 1).all()
        assert (got == data).all()

    def test_a_file_that_ends_within_a_frame(self, tmp_path):
        data = counts((6,), (4, 5))
        path = write_tvips(tmp_path, data, per_file=3)
        second = tmp_path / "made_001.tvips"
        second.write_bytes(second.read_bytes()[:-10])

        data_set = open_dataset(path)

        assert data_set.frames == 5
        assert "made_001.tvips ends within a frame" in data_set.facts.problems[0]

    def test_zeros_are_no_series(self, tmp_path):
        from framefold.formats import tvips

        (tmp_path / "a").write_bytes(np.zeros(600, "u1").tobytes())

        assert tvips.understands(tmp_path / "a") is None
