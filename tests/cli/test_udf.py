"""What ``framefold udf`` lists, tells and checks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from framefold.cli.udf import command
from framefold.cli.udf_check import beginning

BROKEN = """
from framefold import UDF

class LastWins(UDF):
    def __init__(self, scale=1.0):
        super().__init__(scale=scale)

    def get_result_buffers(self):
        return {"total": self.buffer("sig")}

    def process_frame(self, frame):
        self.results.total += frame * self.params.scale

    def merge(self, dest, src):
        dest.total[:] = src.total
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_lists_and_tells() -> None:
    names = json.loads(run("--json").output)
    assert names["sum"] == "framefold.analyses.sum:SumUDF"
    assert "sumsig" in run().output
    assert run("sum").output.startswith("sum(dtype='float32')")
    told = json.loads(run("sum", "--json").output)
    assert told["parameters"] == {"dtype": "'float32'"}
    assert run("--json", "sum").output == run("sum", "--json").output


def test_a_good_one() -> None:
    result = run("check", "sum,dtype=float64")
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["constructor", "ok"]
    assert len(result.output.splitlines()) == 10


def test_a_broken_one_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "udfs_of_this_test.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")

    result = run("check", "udfs_of_this_test:LastWins,scale=2")

    assert result.exit_code == 1
    assert "constructor        ok" in result.output
    assert "cuts               BROKEN\n  LastWins: result 'total' is another one" in result.output
    assert "breaks 4 of 10 rules" in result.output
    assert "breaks 1" not in run("check", "--order-matters", "total", "sum").output
    assert "give MODULE:CLASS" in str(run("check", "udfs_of_this_test:Nobody").exception)


def test_on_a_file(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 99, (6, 7, 8, 9)).astype(np.uint16)
    path = tmp_path / "scan.npy"
    np.save(path, data)

    found, sig_dims = beginning(path)
    assert sig_dims == 2
    assert np.array_equal(found, data[:5, :5])
    result = run("check", "com", "--on", str(path))
    assert result.exit_code == 0
    assert "BROKEN" not in result.output
