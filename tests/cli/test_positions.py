"""A position table in a configuration or on the command line, for every command that takes one."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from cli.programs import called, framefold
from e2e.wires import wire
from framefold.build.settings import stream_settings
from framefold.cli import doctor_checks as checks
from framefold.cli.replay import _config
from framefold.config import read_config
from framefold.core.position_table import PositionTable
from framefold.replay.source import ReplaySource
from framefold.wirelog import LogWriter

assert hdf5plugin.FILTERS  # importing it makes the filters known

DATA = np.random.default_rng(4).integers(0, 200, (6, 7, 9, 8)).astype("u2")
ORDER = np.random.default_rng(5).permutation(42)
HEAD = 'schema = 1\n[scan]\nnav_shape = [6, 7]\npositions = "tables/order.csv"\n'
SOURCE = '[sources.a]\nstream = "tcp://a:1"\n'
PIPELINE = '[[pipeline]]\nname = "s"\nudf = "sumsig"\n'


@pytest.fixture
def order(tmp_path):
    """A table beside a configuration that names it."""
    (tmp_path / "tables").mkdir()
    path = tmp_path / "tables" / "order.csv"
    np.savetxt(path, ORDER, fmt="%d")
    (tmp_path / "c.toml").write_text(HEAD + SOURCE + PIPELINE)
    return path


@pytest.fixture
def config(order):
    return order.parent.parent / "c.toml"


@pytest.fixture
def frames(tmp_path):
    np.save(tmp_path / "scan.npy", DATA.reshape(42, 9, 8))
    return tmp_path / "scan.npy"


def sums(path: Path) -> list[int]:
    """Of each frame, in the order in which they were taken."""
    with h5py.File(path) as file:
        found = file["/entry/s/intensity/data"][()].reshape(-1)[ORDER]
    return found.tolist()


class TestServe:
    """`framefold serve`, before it listens."""

    def test_goes_from_the_folder_of_the_configuration(self, config, order, monkeypatch):
        monkeypatch.chdir("/")
        found = read_config(config)
        settings = stream_settings(found, found.source())

        assert found.scan.positions == str(order)
        assert isinstance(settings.positions, PositionTable)
        assert settings.positions.entries.tolist() == ORDER.tolist()

    @pytest.mark.parametrize(
        ("text", "more", "words"),
        [
            (None, "", "cannot be read"),
            ("3\n4\nx\n", "", "line 3 of the position table"),
            ("# one\n3,4\n\n5\n", "", "line 4 of the position table"),
            ("0.5\n", "", "entry 0 of the position table is 0.5"),
            ("nan\n", "", "fractions"),
            ("0\n42\n", "", "entry 1 of the position table is position 42"),
            ("1\n", 'order = "snake"\n', "no order, no flyback"),
            ("1\n", "flyback = 1\n", "no order, no flyback"),
        ],
    )
    def test_an_odd_one_is_one_line(self, config, order, text, more, words):
        order.unlink() if text is None else order.write_text(text)
        config.write_text(HEAD + more + SOURCE)

        ended = called("-q", "serve", "-c", config)
        assert ended.code == 1
        assert ended.err.count("\n") == 1
        assert f"scan.positions = {str(order)!r}" in ended.err
        assert words in ended.err

    def test_an_axis_that_is_left_open(self, config):
        config.write_text(HEAD.replace("[6, 7]", "[-1, 7]") + SOURCE)

        assert "every axis must be told" in called("-q", "serve", "-c", config).err

    def test_doctor(self, config, order):
        scan = read_config(config).scan
        fine = checks.positions(scan)
        assert (fine.verdict, fine.told) == (checks.OK, "42 entries for 42 positions.")

        order.write_text("1\n2\nthree\n")
        odd = checks.positions(scan)
        assert odd.verdict == checks.ERROR
        assert "line 3" in odd.told


class TestRun:
    """`framefold run -p`."""

    def test_pipeline_file(self, config, frames, tmp_path):
        ended = called("-q", "run", frames, "-p", config, "--inline", "-o", tmp_path / "a.h5")

        assert ended.code == 0, ended.err
        assert sums(tmp_path / "a.h5") == DATA.sum((2, 3)).reshape(-1).tolist()

    def test_the_command_line_wins(self, config, order, frames, tmp_path):
        order.rename(tmp_path / "other.csv")
        out = tmp_path / "a.h5"
        options = ("-p", config, "--positions", tmp_path / "other.csv", "--inline", "-o", out)
        ended = called("-q", "run", frames, *options)

        assert ended.code == 0, ended.err
        assert sums(out) == DATA.sum((2, 3)).reshape(-1).tolist()

    def test_an_odd_one(self, config, order, frames):
        order.write_text("1\n2\nthree\n")
        ended = called("-q", "run", frames, "-p", config, "--inline")

        assert ended.code == 1
        assert f"scan.positions = {str(order)!r}" in ended.err
        assert "line 3" in ended.err


class TestReplay:
    """`framefold replay`: what is told of the scan holds for the stream that is played into."""

    def test_options_win_over_the_configuration(self, config, frames, tmp_path):
        other = tmp_path / "other.npy"
        np.save(other, ORDER)
        told = {"positions": str(other), "nav_shape": (7, 6), "sync_offset": 2}
        scan = _config(ReplaySource(str(frames), opening=told), config).scan

        assert (scan.positions, scan.nav_shape, scan.sync_offset) == (str(other), (7, 6), 2)

    def test_all_of_a_scan_that_may_be_told(self, frames):
        told = {"nav_shape": (4, -1), "scan_order": "snake", "flyback": 1, "lead_in": 2}
        scan = _config(ReplaySource(str(frames), opening=told), None).scan

        assert (scan.order, scan.flyback, scan.lead_in) == ("snake", 1, 2)

    def test_recorded_and_played_again(self, config, tmp_path):
        """First the messages with the table; then the recording, whose frames are in place."""
        with LogWriter(tmp_path / "a.fflog", {}) as writer:
            for parts in wire(DATA):
                writer.write(parts, 0, 0)
        said = "[server]\nport = 0\n[workers]\ncount = 1\n[recording]\nenabled = true\n"
        said += "min_free_gib = 0\ndirectory = "
        results = []
        for name, source in (("one", tmp_path / "a.fflog"), ("two", tmp_path / "one")):
            played = source if source.is_file() else next(source.glob("*_master.h5"))
            config.write_text(f"{HEAD}{PIPELINE}{said}{str(tmp_path / name)!r}")
            done = framefold("replay", played, "-c", config, "--exit")
            assert done.code == 0, done.err
            (found,) = (tmp_path / name).glob("*_results.h5")
            results.append(sums(found))

        assert results == [DATA.sum((2, 3)).reshape(-1).tolist()] * 2
