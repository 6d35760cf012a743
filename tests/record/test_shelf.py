"""Results of past acquisitions in a folder: written in time, found again, the oldest given up."""

from __future__ import annotations

import os
import threading

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.scan_rule import ScanRule
from framefold.errors import ConfigError, FrameNotHeldError, ParameterError
from framefold.record.shelf import ENDING, Shelf, file_name
from framefold.representations.kept_snapshot import read_snapshot
from http_runs import over

PIPELINE = [{"name": "sum", "udf": "sum", "params": {}}]


def filled(folder, idents, keep=10) -> Shelf:
    shelf = Shelf(folder, keep)
    for ident in idents:
        shelf.keep(over(ident), PIPELINE)
    shelf.close()
    return shelf


def same(a, b) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


class TestShelf:
    """Runs in, runs out."""

    def test_everything_comes_back(self, tmp_path):
        run = over("01RUN", rows=5)
        shelf = Shelf(tmp_path / "new", 10)
        shelf.keep(run, PIPELINE)
        shelf.close()

        found = Shelf(tmp_path / "new", 10).get("01RUN")
        before, after = run.latest, found.latest
        assert (found.ident, found.name) == ("01RUN", "a scan")
        assert found.statistics()["frames_per_second"] == 1000.0
        for name in ("version", "state", "reason", "merged", "wanted", "losses", "created"):
            assert getattr(after, name) == getattr(before, name), name
        assert same(after.coverage, before.coverage)
        assert after.acquisition.described() == before.acquisition.described()
        assert {u: list(g) for u, g in after.results.items()} == {
            u: list(g) for u, g in before.results.items()
        }
        for udf, group in before.results.items():
            for name, channel in group.items():
                other = after.results[udf][name]
                assert same(other.data, channel.data)
                assert same(other.valid, channel.valid)
                assert (other.kind, other.extra_shape, other.version) == (
                    channel.kind, channel.extra_shape, channel.version,
                )  # fmt: skip
        assert not found.want()

    def test_there_before_it_is_written(self, tmp_path, monkeypatch):
        going_on = threading.Event()
        real = Shelf._write
        monkeypatch.setattr(Shelf, "_write", lambda *all: going_on.wait() and real(*all))
        shelf = Shelf(tmp_path, 10)
        run = over("a")
        shelf.keep(run, PIPELINE)
        assert shelf.get("a").latest is run.latest
        runs, more = shelf.page(set(), None, 5)
        assert ([run.ident for run in runs], more) == (["a"], False)
        assert len(shelf) == 0
        going_on.set()
        shelf.close()
        assert len(shelf) == 1

    def test_the_oldest_go_first(self, tmp_path):
        shelf = filled(tmp_path, "abcde", keep=3)
        assert sorted(os.listdir(tmp_path)) == [file_name(i) for i in "cde"]
        runs, more = shelf.page(set(), None, 10)
        assert [run.ident for run in runs] == ["e", "d", "c"]
        assert not more
        assert shelf.get("a") is None

    def test_files_of_others_are_never_removed(self, tmp_path):
        """Somebody keeps recordings in the same folder, or a file that only has such a name."""
        theirs = [tmp_path / "scan.h5", tmp_path / f"theirs{ENDING}", tmp_path / f"odd{ENDING}"]
        for path in theirs[:2]:
            with h5py.File(path, "w") as file:
                file["entry/data"] = 1
        theirs[2].symlink_to(tmp_path / "nowhere")
        for path in theirs[:2]:
            os.utime(path, (1, 1))
        filled(tmp_path, "abcd", keep=1)
        assert sorted(os.listdir(tmp_path)) == sorted(
            [file_name("d"), *(path.name for path in theirs)]
        )

    def test_pages(self, tmp_path):
        shelf = filled(tmp_path, "abcdef")
        runs, more = shelf.page({"f", "c"}, None, 2)
        assert ([run.ident for run in runs], more) == (["e", "d"], True)
        runs, more = shelf.page({"f", "c"}, "d", 2)
        assert ([run.ident for run in runs], more) == (["b", "a"], False)
        assert shelf.page({"f"}, None, 0) == ([], True)
        assert shelf.page(set(), "nobody", 2) is None
        assert not runs[0].latest.results  # a list needs no arrays

    def test_what_else_lies_there(self, tmp_path, caplog):
        shelf = filled(tmp_path, "ab")
        (tmp_path / "notes.txt").write_text("mine")
        (tmp_path / f"c{ENDING}").write_bytes(b"no HDF5")
        (tmp_path / file_name("a")).rename(tmp_path / f"moved{ENDING}")
        with h5py.File(tmp_path / f"other{ENDING}", "w") as file:
            file["x"] = 1
        shelf = Shelf(tmp_path, 10)
        runs, _ = shelf.page(set(), None, 10)
        assert [run.ident for run in runs] == ["b"]
        for name in ("c", "moved", "other"):
            assert f"{name}{ENDING}" in caplog.text
        assert shelf.get("c") is None
        assert (tmp_path / "notes.txt").exists()

    def test_a_file_that_promises_more_than_it_holds(self, tmp_path):
        shelf = filled(tmp_path, "a")
        with h5py.File(tmp_path / file_name("a"), "r+") as file:
            del file["entry/sum/intensity/data"]
            file["entry/sum/intensity"].create_dataset(
                "data", shape=(1 << 20, 1 << 20), dtype="f8", chunks=(8, 8)
            )
        assert Shelf(tmp_path, 10).get("a") is None
        assert shelf.get("a") is None

    def test_a_folder_that_goes_away(self, tmp_path, caplog):
        shelf = Shelf(tmp_path / "gone", 10)
        (tmp_path / "gone").rmdir()
        shelf.keep(over("a"), PIPELINE)
        shelf.close()
        assert "does not exist" in shelf.failure
        assert "results not kept" in caplog.text
        assert shelf.get("a") is None

    def test_no_folder(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match=r"\[history\] directory .*file"):
            Shelf(tmp_path / "file", 3)

    def test_few_at_hand(self, tmp_path, monkeypatch):
        monkeypatch.setattr("framefold.record.shelf._AT_HAND_BYTES", 1)
        shelf = filled(tmp_path, "ab")
        first = shelf.get("a")
        assert shelf.get("a") is first
        shelf.get("b")
        assert shelf.get("a") is not first

    def test_what_it_cannot_do(self, tmp_path):
        run = filled(tmp_path, "a").get("a")
        with pytest.raises(ParameterError, match="only the results are kept"):
            run.refolded(ScanRule((6, 8)))
        with pytest.raises(FrameNotHeldError, match="frame 3 of a: not held"):
            run.picked(np.array([3]))
        run.watch(lambda _: None)()


@given(st.text(min_size=1))
def test_any_identity_is_a_name(ident):
    name = file_name(ident)
    assert "/" not in name
    assert "\0" not in name
    assert len(name.encode()) < 250
    assert file_name(ident + "x") != name


def test_results_of_somebody_else_are_no_acquisition(tmp_path):
    shelf = filled(tmp_path, "a")
    snapshot, facts = read_snapshot(tmp_path / file_name("a"), arrays=False)
    assert facts["pipeline"] == PIPELINE
    assert snapshot.coverage.size == 0
    assert shelf.failure == ""
