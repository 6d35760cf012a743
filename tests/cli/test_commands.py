"""What all commands have in common: help, exit codes, and one line for what is wrong."""

from __future__ import annotations

import pytest

import framefold as package
from cli.programs import called, framefold
from framefold.cli import COMMANDS


class TestHelp:
    """Every command tells what it does and takes."""

    @pytest.mark.parametrize("name", [name for name in COMMANDS if name != "sim"])
    def test_of_a_command(self, name):
        ended = called(name, "--help")

        assert ended.code == 0
        assert ended.out.startswith(f"Usage: framefold {name} ")
        assert "--help" in ended.out

    def test_of_all(self):
        ended = called("--help")

        assert ended.code == 0
        for name, (_, line) in COMMANDS.items():
            assert f"{name} " in ended.out
            assert line in ended.out

    def test_of_the_simulators(self):
        ended = framefold("sim", "simplon-v2", "--help")

        assert ended.code == 0
        assert ended.out.startswith("Usage: framefold sim simplon-v2 ")

    def test_without_a_command(self):
        ended = called()

        assert ended.code == 2
        assert "Usage: framefold" in ended.err

    def test_version(self):
        ended = called("--version")

        assert (ended.code, ended.out) == (0, f"framefold {package.__version__}\n")


class TestWrongUse:
    """One line that names what was wrong and what would have done; exit code 2."""

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["runn"], "no command 'runn'; did you mean 'run'?"),
            (
                ["zzz"],
                "no command 'zzz' (known: demo, serve, run, inspect, convert, record, replay, "
                "repair, compare, sim, doctor, udf)",
            ),
            (["run"], "Missing argument 'PATH'"),
            (["run", "x", "--worker", "2"], "--worker"),
            (["run", "x", "--workers", "0"], "0 is not in the range"),
            (["run", "x", "--udf", "sum", "--nav", "3,b"], "'3,b' is not like 64,64"),
            (["serve"], "'--config'"),
            (["--verbos"], "'--verbose'"),
            (["udf", "--jsn"], "'--json'"),
        ],
    )
    def test_is_said(self, arguments, told):
        ended = called(*arguments)

        assert ended.code == 2
        assert told in ended.err
        assert ended.err.count("\n") == 1
        assert ended.err.startswith("framefold")
        assert "--help` " not in ended.out

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (["simplon-v3"], 2, "'simplon-v2'"),
            (["simplon-v2", "--rat", "3"], 2, "'--rate'"),
            (["simplon-v2", "--encoding", "zip"], 1, "encoding 'zip': one of none, lz4, bslz4"),
            (["simplon-v2", "--from", "/nope.npy"], 1, "no file /nope.npy"),
            (["simplon-v2", "--scene", "counts=x"], 1, "'counts=x'"),
        ],
    )
    def test_of_the_simulators(self, arguments, code, told):
        ended = framefold("sim", *arguments)

        assert ended.code == code
        assert told in ended.err
        assert ended.err.startswith("framefold sim")
        assert ended.err.count("\n") == 1


class TestUDF:
    """Lists what can be named, and tells what it takes."""

    def test_list(self):
        ended = called("udf")

        assert ended.code == 0
        assert {line.split()[0] for line in ended.out.splitlines()} >= {"com", "sum", "sumsig"}

    def test_one(self):
        ended = called("udf", "virtual_detector")

        assert ended.code == 0
        assert ended.out.startswith("virtual_detector(shape='disk', cy=None")

    def test_for_programs(self):
        assert '"sum": "framefold.analyses.sum:SumUDF"' in called("udf", "--json").out
        assert '"parameters"' in called("udf", "sum", "--json").out

    def test_none_of_that_name(self):
        ended = called("udf", "cmo")

        assert ended.code == 1
        assert "unknown UDF 'cmo'; did you mean 'com'?" in ended.err
