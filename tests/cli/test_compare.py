"""``framefold compare``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.programs import called


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    scan = np.random.default_rng(1).poisson(3, (4, 5, 8, 8)).astype(np.uint16)
    for name in ("a", "b"):
        np.save(folder / f"{name}.npy", scan)
        arguments = ("--udf", "sum", "--udf", "sumsig", "--inline", "-o", folder / f"{name}.h5")
        assert called("run", folder / f"{name}.npy", *arguments).code == 0
        scan[1, 2] += 7
    return folder


def test_the_same(results):
    ended = called("compare", results / "a.h5", results / "a.h5")

    assert (ended.code, ended.out) == (0, "the same: sum.intensity, sumsig.intensity\n")


def test_different(results):
    ended = called("compare", results / "a.h5", results / "b.h5")

    assert ended.code == 1
    assert "sumsig.intensity: values: 1 of 20 places differ, most by 448 at [1, 2]" in ended.out
    assert "sum.intensity: values: 64 of 64 places differ, most by 7 at" in ended.out


def test_within_tolerance(results):
    assert called("compare", results / "a.h5", results / "b.h5", "--atol", 500).code == 0
    assert called("compare", results / "a.h5", results / "b.h5", "--atol", 400).code == 1


def test_for_programs(results):
    ended = called("compare", results / "a.h5", results / "b.h5", "--json")
    facts = json.loads(ended.out)

    assert ended.code == 1
    assert facts["same"] is False
    assert facts["differences"][1]["where"] == [1, 2]


def test_what_cannot_be_read(results, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")

    for bad in (results / "c.h5", results / "a.npy", tmp_path / "notes.txt"):
        ended = called("compare", results / "a.h5", bad)
        assert ended.code == 2
        assert bad.name in ended.err
        assert ended.err.count("\n") == 1
