"""MRC stacks, and the notes of Direct Electron's software."""

import numpy as np
import pytest

from framefold.formats import open_dataset
from made_files import write_mrc
from recordings_for_tests import counts, delivered


def notes(kind: str, rows: int, columns: int) -> str:
    return f"Scan - Type   = {kind}\nScan - Size X = {columns}\nScan - Size Y = {rows}\nno pair\n"


class TestStack:
    """Every pixel type of MRC2014."""

    @pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f4", "c8", "f2"])
    def test_equals_what_was_written(self, tmp_path, dtype):
        data = counts((3,), (5, 4)).astype(dtype)

        data_set = open_dataset(write_mrc(tmp_path, data))

        assert data_set.dtype == np.dtype(dtype)
        assert (delivered(data_set)[0] == data).all()

    def test_the_scan_in_the_notes(self, tmp_path):
        path = write_mrc(tmp_path, counts((12,), (5, 4))).rename(tmp_path / "1_movie.mrc")
        (tmp_path / "1_info.txt").write_text(notes("Raster", 3, 4))

        data_set = open_dataset(path)

        assert data_set.acquisition.nav_shape == (3, 4)
        assert "_info.txt" in data_set.facts.nav_reason

    @pytest.mark.parametrize("text", [notes("XY File", 3, 3), notes("Raster", 0, -1)])
    def test_notes_that_tell_no_raster(self, tmp_path, text):
        path = write_mrc(tmp_path, counts((9,), (5, 4))).rename(tmp_path / "1_movie.mrc")
        (tmp_path / "1_info.txt").write_text(text)

        assert open_dataset(path).acquisition.nav_shape == (9,)
