"""Which recording goes to which result file."""

from __future__ import annotations

from pathlib import Path

import pytest

from framefold.batch import Job, make_jobs
from framefold.errors import ConfigError


def test_one_file_each_in_a_folder_that_is_made(tmp_path):
    sources = [Path("a/scan_1.h5"), Path("b/scan.2.npy"), Path("c.zarr")]
    folder = tmp_path / "deep" / "results"

    jobs = make_jobs(sources, folder, folder=True, replace=False)

    assert folder.is_dir()
    assert [job.source for job in jobs] == sources
    names = ["scan_1.results.h5", "scan.2.results.h5", "c.results.h5"]
    assert [job.target for job in jobs] == [folder / name for name in names]


def test_results_nobody_keeps():
    assert make_jobs([Path("a")], None, folder=False, replace=False) == (Job(Path("a"), None),)


def test_two_recordings_of_one_name_are_both_named(tmp_path):
    with pytest.raises(ConfigError, match=r"a/scan\.h5 and b/scan\.npy would both become"):
        make_jobs([Path("a/scan.h5"), Path("b/scan.npy")], tmp_path, folder=True, replace=True)


def test_what_is_in_the_way_is_said_before_anything_is_read(tmp_path):
    (tmp_path / "b.results.h5").touch()
    sources = [tmp_path / "a.npy", tmp_path / "b.npy"]

    with pytest.raises(ConfigError, match=r"b\.results\.h5 exists; --overwrite"):
        make_jobs(sources, tmp_path, folder=True, replace=False)
    assert len(make_jobs(sources, tmp_path, folder=True, replace=True)) == 2
    with pytest.raises(ConfigError, match="is a file; for several recordings name a folder"):
        make_jobs(sources, tmp_path / "b.results.h5", folder=True, replace=True)
