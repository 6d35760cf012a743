"""DigitalMicrograph files."""

import pytest

from framefold.errors import DataError
from framefold.formats import open_dataset
from made_files import write_dm4
from recordings_for_tests import counts, delivered


class TestOrder:
    """Four axes are read when the tags say that frames lie one after another."""

    def test_scan_first(self, tmp_path):
        data = counts((2, 3), (5, 4))

        data_set = open_dataset(write_dm4(tmp_path, data))

        assert data_set.acquisition.nav_shape == (2, 3)
        assert (delivered(data_set)[0] == data.reshape(6, 5, 4)).all()

    def test_scan_last_is_refused_unless_told(self, tmp_path):
        data = counts((2, 3), (5, 4))
        path = write_dm4(tmp_path, data, swapped=False)

        with pytest.raises(DataError, match="force_c_order"):
            open_dataset(path)
        told = open_dataset(path, force_c_order=True)

        assert (delivered(told)[0] == data.reshape(6, 5, 4)).all()

    def test_one_image(self, tmp_path):
        data = counts((), (5, 4))

        data_set = open_dataset(write_dm4(tmp_path, data))

        assert data_set.acquisition.nav_shape == (1,)
        assert (delivered(data_set)[0] == data).all()
