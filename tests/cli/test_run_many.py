"""``framefold run`` over several recordings, resumed, and done again."""

from __future__ import annotations

import json
import os

import h5py
import numpy as np
import pytest

from cli.programs import called
from framefold.batch import file_run
from framefold.representations.comparison import compare_results

UDFS = ("--udf", "sum", "--udf", "bf=virtual_detector,shape=disk,r=2", "--inline")


@pytest.fixture
def scans(tmp_path):
    rng = np.random.default_rng(3)
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"scan_{i}.npy")
        np.save(paths[-1], rng.poisson(3, (3, 4, 8, 8)).astype("u2"))
    return paths


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.npy"
    path.write_bytes(b"\x93NUMPY and no more")
    return path


def states(ended):
    """State of each recording by the table."""
    rows = [line.split() for line in ended.out.splitlines()[1:-1]]
    return [row[1] for row in rows]


class TestMany:
    """A result file each; one that fails does not stop the others."""

    def test_all_good(self, scans, tmp_path):
        ended = called("run", *scans, *UDFS, "-o", tmp_path / "out")

        assert ended.code == 0
        assert states(ended) == ["complete"] * 3
        assert ended.out.splitlines()[-1] == "3 complete"
        for path in scans:
            with h5py.File(tmp_path / "out" / f"{path.stem}.results.h5") as file:
                found = file["entry/sum/intensity/data"][()]
            assert (found == np.load(path).sum(axis=(0, 1))).all()

    def test_some_fail(self, scans, bad, tmp_path):
        ended = called("run", scans[0], bad, scans[1], *UDFS, "-o", tmp_path / "out")

        assert ended.code == 3
        assert states(ended) == ["complete", "failed", "complete"]
        assert "bad.npy is a NumPy file of version (32, 97)" in ended.out
        assert not (tmp_path / "out" / "bad.results.h5").exists()

    def test_all_fail(self, bad, tmp_path):
        ended = called("run", bad, tmp_path / "none.npy", *UDFS, "-o", tmp_path / "out")

        assert ended.code == 1
        assert states(ended) == ["failed"] * 2

    def test_a_reader_that_breaks_stops_nobody(self, scans, tmp_path, monkeypatch, caplog):
        right = file_run.open_dataset

        def breaks(path, **options):
            if path == scans[0]:
                raise ZeroDivisionError("oh")
            return right(path, **options)

        monkeypatch.setattr(file_run, "open_dataset", breaks)
        ended = called("run", *scans, *UDFS, "-o", tmp_path / "out")

        assert ended.code == 3
        assert states(ended) == ["failed", "complete", "complete"]
        assert "ZeroDivisionError: oh" in ended.out

    def test_missing_frames_are_told(self, scans, tmp_path):
        with scans[1].open("r+b") as file:
            file.truncate(scans[1].stat().st_size - 200)
        ended = called("run", *scans, *UDFS, "-o", tmp_path / "out")

        assert ended.code == 0
        assert states(ended) == ["complete", "incomplete", "complete"]
        assert "2 of 12 promised frames are not in the file" in ended.out

    def test_for_programs(self, scans, bad, tmp_path):
        ended = called("run", *scans, bad, *UDFS, "-o", tmp_path / "out", "--json")
        facts = json.loads(ended.out)

        assert facts["exit_code"] == ended.code == 3
        assert [one["state"] for one in facts["files"]] == ["complete"] * 3 + ["failed"]
        assert facts["files"][0]["merged"] == 12

    @pytest.mark.parametrize(
        ("more", "code", "told"),
        [
            ((), 1, "several recordings: give --output FOLDER"),
            (("-o", "{}/scan_0.npy"), 1, "is a file; for several recordings name a folder"),
            (("--resume",), 2, "--resume needs --output"),
        ],
    )
    def test_wrong_use(self, scans, tmp_path, more, code, told):
        ended = called("run", *scans, *UDFS, *(text.format(tmp_path) for text in more))

        assert ended.code == code
        assert told in ended.err
        assert ended.err.count("\n") == 1

    def test_one_recording_into_a_folder(self, scans, tmp_path):
        ended = called("run", scans[0], *UDFS, "-o", f"{tmp_path}/out/")

        assert ended.code == 0
        assert (tmp_path / "out" / "scan_0.results.h5").is_file()


class TestResume:
    """Skips what is complete and made in the same way of the same."""

    def test_nothing_is_left_to_do(self, scans, tmp_path):
        arguments = ("run", *scans, *UDFS, "-o", tmp_path / "out", "--resume")
        called(*arguments)
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}

        ended = called(*arguments)

        assert ended.code == 4
        assert states(ended) == ["skipped"] * 3
        assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()} == before

    def test_one_is_left(self, scans, tmp_path):
        arguments = ("run", *scans, *UDFS, "-o", tmp_path / "out", "--resume")
        called(*arguments)
        (tmp_path / "out" / "scan_1.results.h5").unlink()

        ended = called(*arguments)

        assert (ended.code, states(ended)) == (0, ["skipped", "complete", "skipped"])

    def test_results_that_ended_too_early_are_made_anew(self, scans, tmp_path):
        arguments = ("run", *scans, *UDFS, "-o", tmp_path / "out", "--resume")
        called(*arguments)
        with h5py.File(tmp_path / "out" / "scan_2.results.h5", "r+") as file:
            file["entry"].attrs["state"] = "aborted"

        assert states(called(*arguments)) == ["skipped", "skipped", "complete"]

    def test_results_of_something_else_are_not_replaced_unasked(self, scans, tmp_path):
        out = ("-o", tmp_path / "out", "--resume")
        called("run", *scans, *UDFS, *out)
        os.utime(scans[1], ns=(1, 1))

        changed = called("run", *scans, *UDFS, *out)
        others = called("run", *scans, "--udf", "sum", "--inline", *out)
        allowed = called("run", *scans, "--udf", "sum", "--inline", *out, "--overwrite")

        assert states(changed) == ["skipped", "failed", "skipped"]
        assert "a recording that has changed since" in changed.out
        assert (others.code, states(others)) == (1, ["failed"] * 3)
        assert "other UDFs, parameters or options; --overwrite replaces it" in others.out
        assert (allowed.code, states(allowed)) == (0, ["complete"] * 3)

    def test_a_file_that_is_no_result(self, scans, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "scan_0.results.h5").write_text("precious")

        ended = called("run", *scans, *UDFS, "-o", tmp_path / "out", "--resume")

        assert (ended.code, states(ended)) == (3, ["failed", "complete", "complete"])
        assert (tmp_path / "out" / "scan_0.results.h5").read_text() == "precious"

    def test_of_one_recording(self, scans, tmp_path):
        arguments = ("run", scans[0], *UDFS, "-o", tmp_path / "r.h5", "--resume")

        assert called(*arguments).code == 0
        ended = called(*arguments)
        assert (ended.code, ended.out.split(":")[0]) == (4, "skipped")
        assert json.loads(called(*arguments, "--json").out)["state"] == "skipped"


class TestAgain:
    """A result file knows how to be made again."""

    def test_gives_the_same(self, scans, tmp_path):
        first, second = tmp_path / "a.h5", tmp_path / "b.h5"
        options = ("--nav", "2,6", "--sync-offset", "1", "--scan-step", "0.5nm", "--ordered")
        called("run", scans[0], *UDFS, *options, "-o", first)

        ended = called("run", "--again", first, "--inline", "-o", second)

        assert ended.code == 0
        assert compare_results(first, second).differences == ()
        with h5py.File(second) as file:
            assert file["entry/bf/intensity/data"].shape == (2, 6)
            assert file["entry/bf/intensity/scan_1"].attrs["units"] == "nm"

    def test_a_recording_that_changed(self, scans, tmp_path):
        first, second = tmp_path / "a.h5", tmp_path / "b.h5"
        called("run", scans[0], *UDFS, "-o", first)
        np.save(scans[0], np.load(scans[1]))

        refused = called("run", "--again", first, "--inline", "-o", second)
        named = called("run", scans[0], "--again", first, "--inline", "-o", second)

        assert refused.code == 1
        assert "scan_0.npy has changed since those results were made" in refused.err
        assert named.code == 0
        assert compare_results(first, second).differences

    def test_options_of_its_own_are_refused(self, scans, tmp_path):
        called("run", scans[0], *UDFS, "-o", tmp_path / "a.h5")

        for more in (("--udf", "sum"), ("--nav", "3,4"), ("--ordered",)):
            ended = called("run", "--again", tmp_path / "a.h5", "--inline", *more)
            assert ended.code == 2
            assert "--again takes UDFs and options from the result file" in ended.err

    def test_what_is_no_result_file(self, scans):
        ended = called("run", "--again", scans[0])

        assert ended.code == 1
        assert "scan_0.npy" in ended.err
