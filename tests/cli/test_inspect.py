"""``framefold inspect``."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from framefold.cli.inspect import command
from recordings_for_tests import counts, write_series


@pytest.fixture
def inspect():
    def run(*arguments):
        return CliRunner().invoke(command, [str(a) for a in arguments])

    return run


class TestInspect:
    """Says what a file is; the exit code tells scripts."""

    def test_a_complete_recording(self, tmp_path, inspect):
        master = write_series(tmp_path, counts((12,), (8, 6)), 5, ntrigger=3)

        ended = inspect(master)

        assert ended.exit_code == 0
        assert "simplon_h5" in ended.output
        assert "3 x 4" in ended.output

    def test_a_recording_that_lacks_something(self, tmp_path, inspect):
        master = write_series(tmp_path, counts((12,), (8, 6)), 5, ntrigger=3)
        (tmp_path / "scan_data_000002.h5").unlink()

        ended = inspect(master, "--json")

        assert ended.exit_code == 1
        assert json.loads(ended.output)["missing_files"] == ["scan_data_000002.h5"]

    def test_no_recording(self, tmp_path, inspect):
        (tmp_path / "a.txt").write_text("hello")

        ended = inspect(tmp_path / "a.txt")

        assert ended.exit_code == 1
        assert "looks like text" in ended.output

    def test_no_file(self, tmp_path, inspect):
        ended = inspect(tmp_path / "absent")

        assert ended.exit_code == 2
        assert "there is no file" in ended.output
        assert "Traceback" not in ended.output
        assert ended.exc_info[0] is SystemExit


def test_starts_without_numba():
    """Start-up counts: looking at a file compiles nothing."""

    program = "import sys, framefold.cli.inspect; print('numba' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "False"
