"""Opening by content, and telling what a file is."""

import json
import os
import pickle

import numpy as np
import pytest

from framefold.errors import (
    DataError,
    MissingFileError,
    ParameterError,
    ScanError,
    ShapeError,
    UnknownNameError,
)
from framefold.formats import inspect_file, open_dataset, recognise
from recordings_for_tests import counts, write_bslz4, write_series


@pytest.fixture
def hostile(tmp_path):
    """Files and other things that hold no frames."""
    (tmp_path / "empty").touch()
    (tmp_path / "text.h5").write_text("Änderung\n" * 40)
    (tmp_path / "noise.npy").write_bytes(np.random.default_rng(3).bytes(9000))
    (tmp_path / "signature.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    (tmp_path / "magic.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    whole = write_bslz4(tmp_path / "whole.h5", counts((9,), (32, 32))).read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    names = ["empty", "text.h5", "noise.npy", "signature.h5", "magic.npy", "folder", "pipe",
             "half.h5", "absent", "no/such/folder", "n\0l"]  # fmt: skip
    return [tmp_path / name for name in names]


class TestOpenDataset:
    """Opens what it knows and says of everything else what it is."""

    def test_hostile_files_are_named(self, hostile):
        for path in hostile:
            with pytest.raises(DataError) as found:
                open_dataset(path)
            assert path.name.replace("\0", "\\x00") in str(found.value)

    def test_missing_files_are_missing_files(self, tmp_path):
        for name in ("absent", "no/such/folder"):
            with pytest.raises(FileNotFoundError, match="there is no file") as found:
                open_dataset(tmp_path / name)
            assert isinstance(found.value, MissingFileError)
            assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)

    def test_how_to_read_has_no_effect(self, tmp_path):
        path = write_bslz4(tmp_path / "a.h5", counts((9,), (4, 4)))

        assert tuple(open_dataset(path, enable_direct=True).shape) == (9, 4, 4)

    def test_an_unknown_format_before_a_missing_file(self):
        with pytest.raises(UnknownNameError, match="did you mean 'hdf5'"):
            open_dataset("/absent", "hdf")

    def test_an_unknown_option_with_the_nearest(self, tmp_path):
        path = write_bslz4(tmp_path / "a.h5", counts((9,), (4, 4)))

        with pytest.raises(ParameterError, match="'dspath'; did you mean 'ds_path'"):
            open_dataset(path, dspath="/entry/data/data")
        with pytest.raises(ParameterError, match="did you mean 'nav_shape'"):
            open_dataset(path, navshape=(3, 3))

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"nav_shape": (0, 3)}, ScanError),
            ({"nav_shape": (-3, 3)}, ScanError),
            ({"nav_shape": ()}, ScanError),
            ({"nav_shape": "3"}, ParameterError),
            ({"sig_shape": (5, 4)}, ShapeError),
            ({"sig_shape": (0, 4)}, ShapeError),
            ({"sync_offset": 9}, ScanError),
            ({"sync_offset": 1.5}, ParameterError),
            ({"num_partitions": -1}, ParameterError),
            ({"dtype": "nonsense"}, ParameterError),
            ({"dtype": "u4"}, ParameterError),
            ({"sig_dims": 0}, ParameterError),
        ],
    )
    def test_values_that_do_not_fit(self, tmp_path, options, error):
        path = write_bslz4(tmp_path / "a.h5", counts((9,), (4, 4)))

        with pytest.raises(error):
            open_dataset(path, **options)

    def test_a_nav_shape_with_open_axes(self, tmp_path):
        path = write_bslz4(tmp_path / "a.h5", counts((9,), (4, 4)))

        assert open_dataset(path, nav_shape=(2, -1)).acquisition.nav_shape == (2, 4)
        assert open_dataset(path, nav_shape=(-1, -1)).acquisition.nav_shape == (3, 3)

    def test_identity_tells_rewritten_files_apart(self, tmp_path):
        path = write_bslz4(tmp_path / "a.h5", counts((9,), (4, 4)))
        first = open_dataset(path).acquisition.ident
        write_bslz4(path, counts((10,), (4, 4)))

        assert open_dataset(path).acquisition.ident != first


class TestRecognise:
    """Judges by content and gives the reason."""

    def test_the_dialect_before_the_language(self, tmp_path):
        plain = write_bslz4(tmp_path / "a", counts((9,), (4, 4)))
        master = write_series(tmp_path, counts((9,), (4, 4)), 4)

        assert recognise(plain)[0] == "hdf5"
        name, why = recognise(master)
        assert name == "simplon_h5"
        assert "3 such entries" in why


class TestInspect:
    """Never raises for what is in a file."""

    def test_hostile_files(self, hostile):
        for path in hostile:
            found = inspect_file(path)

            assert not found.is_readable
            assert len(found.problems) == 1
            assert json.dumps(found.as_dict())
            assert "problem" in found.as_text()

    def test_a_master_with_a_missing_file(self, tmp_path):
        master = write_series(tmp_path, counts((20,), (8, 6)), 6, ntrigger=4)
        (tmp_path / "scan_data_000004.h5").unlink()

        found = inspect_file(master)

        assert found.nav_shape == (4, 5)
        assert found.sig_shape == (8, 6)
        assert (found.frames_found, found.frames_promised) == (18, 20)
        assert found.missing_files == ("scan_data_000004.h5",)
        assert found.suggestion == f"framefold run {master} --nav 4,5 --udf sum -o out.h5"
        assert "18 of 20" in found.as_text()
        assert json.dumps(found.as_dict())

    def test_raw_with_what_was_told(self, tmp_path):
        path = tmp_path / "my frames.bin"
        path.write_bytes(bytes(160))

        found = inspect_file(path, format="raw", dtype="u1", nav_shape=-1, sig_shape=(4, 4))

        assert found.frames_found == 10
        assert "--format raw --dtype uint8 --sig 4,4 --nav 10" in found.suggestion
        assert f"'{path}'" in found.suggestion
