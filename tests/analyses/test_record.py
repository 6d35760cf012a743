from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyses.cuts import scan
from framefold.analyses.record import RecordUDF
from framefold.analyses.sum import SumUDF
from framefold.errors import ParameterError
from udf.driver import Driver


class TestRecordUDF:
    """Frames go to a .npy file as they were recorded."""

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "bool", "complex64", ">u2"])
    def test_the_file_is_the_data(self, tmp_path: Path, dtype: str) -> None:
        data = scan(dtype)
        path = tmp_path / "scan.npy"

        # a neighbour that asks for another dtype must not show in the file
        driver = Driver(data, [RecordUDF(path), SumUDF("float64")], travel=True)
        if np.dtype(dtype).kind != "c":
            results = driver.run([3, 4, 20])
            assert results[0] == {}
        else:
            Driver(data, RecordUDF(path)).run([3])

        found = np.load(path)
        assert found.dtype == data.dtype.newbyteorder("=")
        assert np.array_equal(found, data)

    def test_frames_that_do_not_come_are_zero(self, tmp_path: Path) -> None:
        data = scan("uint16") | 1
        driver = Driver(data, RecordUDF(str(tmp_path / "scan.npy")))

        driver.reduction.merge(driver.part(7, 12))

        found = np.load(tmp_path / "scan.npy").reshape(20, 9, 11)
        assert np.array_equal(found[7:12], data.reshape(20, 9, 11)[7:12])
        assert not found[:7].any()
        assert not found[12:].any()

    def test_a_trial_leaves_nothing_in_the_file(self, tmp_path: Path) -> None:
        driver = Driver(scan("uint8"), RecordUDF(tmp_path / "scan.npy"))

        assert driver.reduction.mistakes() == {}

        assert not np.load(tmp_path / "scan.npy").any()

    def test_a_selection_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="leave out the roi"):
            Driver(scan("uint8"), RecordUDF(tmp_path / "x.npy"), selection=np.ones((4, 5), bool))

        assert not (tmp_path / "x.npy").exists()

    def test_an_existing_file(self, tmp_path: Path) -> None:
        path = tmp_path / "scan.npy"
        path.write_bytes(b"precious")

        with pytest.raises(FileExistsError, match="overwrite=True"):
            Driver(scan("uint8"), RecordUDF(path, overwrite=False))
        assert path.read_bytes() == b"precious"

        Driver(scan("uint8"), RecordUDF(path)).run()
        assert np.load(path).shape == (4, 5, 9, 11)

    def test_nowhere_to_write(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="absent"):
            Driver(scan("uint8"), RecordUDF(tmp_path / "absent" / "scan.npy"))

    @pytest.mark.parametrize("filename", ["", 3, None])
    def test_refuses(self, filename: object) -> None:
        with pytest.raises(ParameterError, match=r"path of a \.npy file"):
            RecordUDF(filename)
