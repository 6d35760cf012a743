"""``framefold run``."""

from __future__ import annotations

import json
import signal
import sys

import h5py
import numpy as np
import pytest

from cli.programs import SOON, called, framefold, running, until
from framefold.cli.run import parse_udf


@pytest.fixture(scope="module")
def scan():
    return np.random.default_rng(1).poisson(3, (6, 7, 16, 20)).astype(np.uint16)


@pytest.fixture(scope="module")
def recorded(scan, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "scan.npy"
    np.save(path, scan)
    return path


class TestUDFOption:
    """``--udf [NAME=]UDF[,PARAM=VALUE...]``; values are JSON, or text."""

    @pytest.mark.parametrize(
        ("text", "name", "udf", "params"),
        [
            ("sum", "sum", "sum", {}),
            ("all=sum", "all", "sum", {}),
            ("mine.py:Own", "Own", "mine.py:Own", {}),
            ("x=mine:Own,a=1", "x", "mine:Own", {"a": 1}),
            ("com,cx=3.5,flip_y=true", "com", "com", {"cx": 3.5, "flip_y": True}),
            ("v,shape=disk,r=3", "v", "v", {"shape": "disk", "r": 3}),
            ("v,at=[1,2],b=3", "v", "v", {"at": [1, 2], "b": 3}),
            ('v,s="a,b",t=c=d', "v", "v", {"s": "a,b", "t": "c=d"}),
            ("v,a=1x,b=", "v", "v", {"a": "1x", "b": ""}),
            ("v,d=-inf", "v", "v", {"d": "-inf"}),
        ],
    )
    def test_is_read(self, text, name, udf, params):
        assert parse_udf(text) == {"name": name, "udf": udf, "params": params}

    @pytest.mark.parametrize("text", ["sum,a", "sum,=3", "sum,,a=3"])
    def test_a_parameter_without_a_value(self, text):
        with pytest.raises(ValueError, match="is not like PARAM=VALUE"):
            parse_udf(text)


class TestRun:
    """Runs UDFs on a file and writes what they give."""

    @pytest.mark.parametrize("how", [["--inline"], ["--workers", "2"]])
    def test_results_are_numpys(self, how, scan, recorded, tmp_path):
        output = tmp_path / "results.h5"
        ended = framefold(
            "run", recorded, "--udf", "sum", "--udf", "counts=sumsig",
            "--udf", "bf=virtual_detector,shape=disk,r=4", "-o", output, *how,
        )  # fmt: skip

        assert (ended.code, ended.err) == (0, "")
        assert "complete: 42 of 42 positions" in ended.out
        assert f"results in {output}" in ended.out
        with h5py.File(output) as file:
            found = {}
            file.visititems(
                lambda name, item: (
                    found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
        arrays = [value for name, value in found.items() if "counts/" in name]
        assert any(np.array_equal(a, scan.sum(axis=(2, 3))) for a in arrays)
        arrays = [value for name, value in found.items() if "/sum/" in name]
        assert any(np.array_equal(a, scan.sum(axis=(0, 1))) for a in arrays)

    def test_for_programs(self, recorded):
        ended = called("run", recorded, "--udf", "sumsig", "--inline", "--json")
        facts = json.loads(ended.out)

        assert ended.code == 0
        assert (facts["state"], facts["merged"], facts["wanted"]) == ("complete", 42, 42)
        assert facts["output"] is None

    def test_an_incomplete_file_is_said(self, recorded):
        ended = called("run", recorded, "--udf", "sumsig", "--inline", "--nav", "6x9")

        assert "42 of 54 positions" in ended.out

    def test_pipeline_from_a_file(self, recorded, tmp_path):
        path = tmp_path / "pipeline.toml"
        path.write_text('[[pipeline]]\nname = "total"\nudf = "sumsig"\n')

        ended = called("run", recorded, "-p", path, "--inline")

        assert ended.code == 0
        assert "total.intensity: nav float32 (6, 7)" in ended.out

    def test_an_output_that_exists(self, recorded, tmp_path):
        output = tmp_path / "results.h5"
        output.write_text("mine")

        refused = called("run", recorded, "--udf", "sum", "-o", output, "--inline")
        kept = output.read_text()
        replaced = called("run", recorded, "--udf", "sum", "-o", output, "--inline", "--overwrite")

        assert refused.code == 1
        assert refused.err == f"framefold: --output {output} exists; --overwrite replaces it\n"
        assert kept == "mine"
        assert replaced.code == 0
        assert h5py.is_hdf5(output)

    def test_a_udf_that_raises(self, recorded, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "raises_in_run.py").write_text(
            "from framefold import UDF\n"
            "class Raises(UDF):\n"
            "    def get_result_buffers(self):\n"
            "        return {'x': self.buffer(kind='nav')}\n"
            "    def process_frame(self, frame):\n"
            "        raise ValueError('not today')\n"
        )

        ended = called(
            "run", recorded, "--udf", "raises_in_run:Raises", "--udf", "sumsig", "--inline"
        )

        assert ended.code == 1
        assert "Raises failed: ValueError: not today" in ended.err
        assert "sumsig.intensity: nav" in ended.out
        del sys.modules["raises_in_run"]

    def test_ctrl_c(self, tmp_path):
        path = tmp_path / "large.npy"
        large = np.lib.format.open_memmap(path, "w+", np.uint16, (64, 64, 8, 8))
        large[:] = 1
        large.flush()
        (tmp_path / "waits_in_run.py").write_text(
            "import sys, time\n"
            "from framefold import UDF\n"
            "class Waits(UDF):\n"
            "    def get_result_buffers(self):\n"
            "        return {'x': self.buffer(kind='nav')}\n"
            "    def process_frame(self, frame):\n"
            "        print('working', file=sys.stderr, flush=True)\n"
            "        time.sleep(0.05)\n"
        )
        with running(
            "run", path, "--udf", "waits_in_run:Waits", "--workers", 2, path=tmp_path
        ) as program:
            assert "working" in program.error_line()
            program.send(signal.SIGINT)
            ended = program.end()

            assert ended.code == 130
            assert ended.err.splitlines()[-1] == "framefold: interrupted"
            assert "Traceback" not in ended.err
            until(lambda: not program.left(), "the end of all processes", SOON)


class TestBadInput:
    """One line that names what was wrong and what would do."""

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--udf", "sun"], "unknown UDF 'sun'; did you mean 'sum'?"),
            (["--udf", "sum,dtpye=f4"], "no parameter 'dtpye'; did you mean 'dtype'?"),
            (["--udf", "sum", "--udf", "sum"], "'sum' is used twice"),
            (["--udf", "a b=sum"], "'a b'"),
            (["--udf", "virtual_detector,shape=dsk"], "did you mean 'disk'?"),
            (["--udf", "nowhere:Own"], "No module named 'nowhere'"),
            (["--udf", "os:Own"], "no attribute 'Own'"),
            (["--udf", "sum", "--format", "np"], "unknown format 'np'; did you mean 'npy'?"),
            (["--udf", "sum", "--nav", "0,5"], "nav_shape=(0, 5)"),
            (["--udf", "sum", "--nav", "-1,-1,-1"], "(-1, -1, -1) leaves 3 axes open"),
            (["--udf", "sum", "--sig", "7,7"], "(7, 7)"),
            (["--udf", "sum", "--ds-path", "a"], "ds_path"),
            (["--udf", "sum", "-o", "/nowhere/x.h5"], "the folder /nowhere does not exist"),
            (["-p", "/nowhere.toml"], "/nowhere.toml cannot be read: No such file"),
            ([], "nothing to run: give --udf or --pipeline"),
        ],
    )
    def test_is_said(self, arguments, told, recorded):
        ended = called("run", recorded, "--inline", *arguments)

        assert ended.code == 1
        assert told in ended.err
        assert ended.err.count("\n") == 1
        assert ended.err.startswith("framefold: ")

    def test_a_missing_file(self, tmp_path):
        ended = called("run", tmp_path / "scna.h5", "--udf", "sum")

        assert ended.code == 1
        assert "scna.h5" in ended.err
        assert ended.err.count("\n") == 1

    def test_a_file_of_nothing_we_know(self, tmp_path):
        (tmp_path / "notes.txt").write_text("hello")

        ended = called("run", tmp_path / "notes.txt", "--udf", "sum")

        assert ended.code == 1
        assert "looks like text" in ended.err
        assert ended.err.count("\n") == 1
