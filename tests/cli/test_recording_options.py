"""What may be said of a recording, for every command that opens one."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from framefold.cli.inspect import command as inspect
from framefold.cli.run import command as run
from recordings_for_tests import counts

DATA = counts((44,), (4, 6))


@pytest.fixture
def recorded(tmp_path):
    frames = b"".join(b"??" + frame.tobytes() for frame in DATA)
    (tmp_path / "a.bin").write_bytes(frames)
    return tmp_path / "a.bin"


RAW = ["--dtype", "uint16", "--sig", "4x6", "-O", "frame_header_bytes=2"]


class TestInspect:
    """Says how it would be read."""

    def test_a_described_file(self, recorded):
        ended = CliRunner().invoke(
            inspect,
            [
                str(recorded), *RAW, "--nav", "4,-1", "--flyback", "1", "--scan-order", "snake",
                "--json",
            ],
        )  # fmt: skip

        told = json.loads(ended.output)
        assert ended.exit_code == 0
        assert (told["format"], told["nav_shape"]) == ("raw", [4, 10])
        assert told["scan"]["flyback"] == 1
        assert told["scan"]["order"] == "snake"
        assert "--flyback 1 --scan-order snake" in told["suggestion"]

    def test_guesses_are_ranked(self, recorded):
        told = json.loads(CliRunner().invoke(inspect, [str(recorded), *RAW, "--json"]).output)

        assert told["nav_confidence"] == "low"
        assert told["nav_guesses"][0]["nav_shape"] == [4, 11]
        assert told["nav_guesses"][0]["reason"]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--nav", "4,x"], "not like 64,64"),
            (["-O", "footer"], "not like NAME=VALUE"),
            (["--scan-order", "spiral"], "raster"),
            (["--flyback", "-1"], "range"),
        ],
    )
    def test_wrong_use(self, recorded, options, words):
        ended = CliRunner().invoke(inspect, [str(recorded), *RAW, *options])

        assert ended.exit_code == 2
        assert words in ended.output

    def test_an_option_that_the_format_lacks(self, recorded):
        ended = CliRunner().invoke(inspect, [str(recorded), *RAW, "-O", "frame_footer=2"])

        assert ended.exit_code == 1
        assert "did you mean" in ended.output


class TestRun:
    """Works on it as it was said."""

    @pytest.mark.parametrize(
        ("options", "wanted"),
        [
            (["--nav", "4,10", "--flyback", "1"], DATA.reshape(4, 11, 4, 6)[:, :10]),
            (
                ["--nav", "22", "--frames-per-position", "2"],
                DATA.reshape(22, 2, 4, 6).sum(1),
            ),
            (
                ["--nav", "22", "--frames-per-position", "2", "--repeats", "axis"],
                DATA.reshape(22, 2, 4, 6),
            ),
            (["--nav", "40", "--lead-in", "4"], DATA[4:]),
            (["--nav", "40", "--sync-offset", "4"], DATA[4:]),
        ],
    )
    def test_results(self, recorded, tmp_path, options, wanted):
        output = tmp_path / "out.h5"

        ended = CliRunner().invoke(
            run, [str(recorded), *RAW, *options, "--udf", "sumsig", "--inline", "-o", str(output)]
        )

        assert ended.exit_code == 0, ended.output
        with h5py.File(output) as file:
            found = file["/entry/sumsig/intensity/data"][()]
        assert (found == wanted.sum(axis=(-1, -2))).all()

    def test_a_position_table(self, recorded, tmp_path):
        table = np.random.default_rng(1).permutation(44)
        np.savetxt(tmp_path / "table.csv", table, fmt="%d")
        output = tmp_path / "out.h5"

        ended = CliRunner().invoke(
            run,
            [
                str(recorded), *RAW, "--nav", "4,11", "--positions", str(tmp_path / "table.csv"),
                "--udf", "sumsig", "--inline", "-o", str(output),
            ],
        )  # fmt: skip

        assert ended.exit_code == 0, ended.output
        with h5py.File(output) as file:
            found = file["/entry/sumsig/intensity/data"][()].reshape(-1)
        assert (found[table] == DATA.sum(axis=(1, 2))).all()

    @pytest.mark.parametrize(("options", "flyback"), [([], 1), (["--flyback", "0"], 0)])
    def test_a_pipeline_file_may_say_it(self, recorded, tmp_path, options, flyback):
        text = "schema = 1\n[scan]\nnav_shape = [4, -1]\nflyback = 1\n"
        text += '[[pipeline]]\nname = "s"\nudf = "sumsig"\n'
        (tmp_path / "p.toml").write_text(text)
        output = tmp_path / "out.h5"

        ended = CliRunner().invoke(
            run,
            [
                str(recorded), *RAW, *options, "-p", str(tmp_path / "p.toml"), "--inline",
                "-o", str(output),
            ],
        )  # fmt: skip

        assert ended.exit_code == 0, ended.output
        with h5py.File(output) as file:
            found = file["/entry/s/intensity/data"][()]
        assert (found == DATA.reshape(4, 11, 4, 6)[:, : 11 - flyback].sum(axis=(-1, -2))).all()
