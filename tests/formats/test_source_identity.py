"""Whether a recording is still the one that it was."""

from __future__ import annotations

import os

import numpy as np
import pytest

from framefold.errors import DataError
from framefold.formats import open_dataset
from framefold.formats.source_identity import SourceIdentity
from recordings_for_tests import counts, write_series


def identity(path, **options):
    return SourceIdentity.of(open_dataset(path, **options), options.get("positions"))


def touched(path):
    now = path.stat().st_mtime_ns
    os.utime(path, ns=(now, now + 1_000_000))


def test_the_same_until_a_file_of_it_changes(tmp_path):
    master = write_series(tmp_path, counts((12,), (8, 6)), 5)

    before = identity(master)
    assert identity(master) == before
    assert before.files == 4
    assert before.path == str(master)

    touched(tmp_path / "scan_data_000002.h5")
    assert identity(master) != before


def test_a_table_of_positions_belongs_to_it(tmp_path):
    np.save(tmp_path / "a.npy", counts((2, 3), (4, 4)))
    (tmp_path / "p.csv").write_text("\n".join(map(str, [3, 1, 2, 0, 5, 4])))
    told = {"positions": str(tmp_path / "p.csv")}

    before = identity(tmp_path / "a.npy", nav_shape=(2, 3), **told)
    touched(tmp_path / "p.csv")

    assert before.files == 2
    assert identity(tmp_path / "a.npy", nav_shape=(2, 3), **told) != before


def test_a_chunk_file_of_a_zarr_folder(tmp_path):
    zarr = pytest.importorskip("zarr")
    folder = tmp_path / "a.zarr"
    zarr.create_array(folder, data=counts((4, 3), (4, 4)), chunks=(2, 2, 4, 4))

    before = identity(folder)
    touched(next(path for path in (folder / "c").rglob("*") if path.is_file()))

    assert identity(folder) != before


def test_plain_values_and_back(tmp_path):
    np.save(tmp_path / "a.npy", counts((2, 3), (4, 4)))
    found = identity(tmp_path / "a.npy")

    assert SourceIdentity.of_dict(found.as_dict()) == found
    for bad in (None, {}, {"path": "a"}, {**found.as_dict(), "files": "1"}):
        with pytest.raises(DataError):
            SourceIdentity.of_dict(bad)
