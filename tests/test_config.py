"""A configuration that cannot be used is refused in words that name the key."""

from __future__ import annotations

import math

import pytest

from framefold.build.pipeline import make_pipeline
from framefold.build.settings import stream_settings, worker_count
from framefold.config import make_config, read_config
from framefold.errors import ConfigError

SOURCES = {"eiger": {"stream": "tcp://detector:9999"}}


def refusal(values: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config(values)
    return str(caught.value)


class TestKeys:
    """An unknown key is an error that names the nearest one that is known."""

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"sever": {}}, "unknown key 'sever'; did you mean 'server'?"),
            ({"server": {"prot": 1}}, "'server.prot'; did you mean 'port'?"),
            ({"workers": {"counts": 1}}, "did you mean 'count'?"),
            ({"buffers": {"shared_memory": 1}}, "did you mean 'shared_memory_mib'?"),
            ({"scan": {"navshape": []}}, "did you mean 'nav_shape'?"),
            ({"history": {"keep_memory": 1}}, "did you mean 'keep_in_memory'?"),
            ({"logging": {"lvl": "INFO"}}, "did you mean 'level'?"),
            ({"pipeline": [{"name": "a", "udf": "sum", "parms": {}}]}, "did you mean 'params'?"),
            ({"schema_version": 1}, "did you mean 'schema'?"),
            ({"server": {"xyzzy": 1}}, "known: allowed_hosts, control, host"),
        ],
    )
    def test_named(self, values, words):
        assert words in refusal(values)

    @pytest.mark.parametrize("name", ["eiger", "scan", "server", "sources", "0"])
    def test_in_a_source_whatever_it_is_called(self, name):
        source = SOURCES["eiger"] | {"protcol": "simplon-v1"}

        assert "did you mean 'protocol'?" in refusal({"sources": {name: source}})

    def test_missing(self):
        assert "'sources.a.stream' is missing" in refusal({"sources": {"a": {}}})

    def test_all_at_once(self):
        lines = refusal({"sever": {}, "server": {"port": -1}}).splitlines()

        assert len(lines) == 2


class TestValues:
    """A wrong value is named with its key, and nothing else with it."""

    @pytest.mark.parametrize(
        "values",
        [
            {"workers": {"count": "many"}},
            {"workers": {"count": 0}},
            {"workers": {"count": True}},
            {"scan": {"frames_per_partition": -3}},
            {"scan": {"nav_shape": []}},
            {"scan": {"nav_shape": [0, 4]}},
            {"scan": {"nav_shape": [-2, 4]}},
            {"scan": {"nav_shape": [-1, -1, -1]}},
            {"scan": {"nav_shape": "auto"}},
            {"scan": {"update_s": 0}},
            {"scan": {"update_s": math.inf}},
            {"scan": {"idle_abort_s": 0}},
            {"scan": {"idle_abort_s": math.nan}},
            {"scan": {"sync_offset": 1.5}},
            {"server": {"port": 70000}},
            {"server": {"port": "8420"}},
            {"buffers": {"shared_memory_mib": 0}},
            {"logging": {"level": "loud"}},
        ],
    )
    def test_refused(self, values):
        ((section, ((key, _),)),) = [(name, tuple(keys.items())) for name, keys in values.items()]
        lines = refusal(values).splitlines()

        assert len(lines) == 1
        assert f"'{section}.{key}' = " in lines[0]

    def test_a_section_that_is_none(self):
        assert "'server' = 3" in refusal({"server": 3})

    def test_another_schema(self):
        assert "'schema' = 2" in refusal({"schema": 2})

    @pytest.mark.parametrize("shape", [[256, 256], [-1, 256], [-1, -1], [7]])
    def test_scan_shapes(self, shape):
        assert make_config({"scan": {"nav_shape": shape}}).scan.nav_shape == tuple(shape)


class TestFile:
    """A file that cannot be read is named."""

    def test_absent(self, tmp_path):
        with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
            read_config(tmp_path / "none.toml")

    @pytest.mark.parametrize("content", [b"[server", b"\xff\xfe", b"a = 1\na = 2"])
    def test_no_toml(self, tmp_path, content):
        path = tmp_path / "a.toml"
        path.write_bytes(content)

        with pytest.raises(ConfigError, match=r"a\.toml"):
            read_config(path)

    def test_an_empty_file_is_all_defaults(self, tmp_path):
        path = tmp_path / "a.toml"
        path.write_text("")

        assert read_config(path) == make_config({})


class TestSource:
    """A source is chosen by name, or is the only one."""

    def test_the_only_one(self):
        assert make_config({"sources": SOURCES}).source().stream == "tcp://detector:9999"

    def test_none(self):
        with pytest.raises(ConfigError, match="NAME"):
            make_config({}).source()

    def test_several(self):
        config = make_config({"sources": {"a": SOURCES["eiger"], "b": SOURCES["eiger"]}})

        with pytest.raises(ConfigError, match=r"2 sources: name one \(a, b\)"):
            config.source()
        with pytest.raises(ConfigError, match="no source 'c'"):
            config.source("c")

    def test_misspelt(self):
        with pytest.raises(ConfigError, match="did you mean 'eiger'"):
            make_config({"sources": SOURCES}).source("eigr")


class TestObjects:
    """A configuration becomes objects."""

    def test_stream_settings(self):
        scan = {"idle_abort_s": math.inf, "frames_per_partition": 7, "nav_shape": [3, -1]}
        config = make_config({"sources": SOURCES, "scan": scan})
        made = stream_settings(config, config.source())

        assert made.idle_seconds is None
        assert made.frames_per_block == 7
        assert made.nav_shape == (3, -1)

    def test_a_position_table_lies_beside_the_configuration(self, tmp_path):
        (tmp_path / "spiral.csv").write_text("y,x\n0,0\n1,1\n0,1\n-1,-1\n1,0\n")
        (tmp_path / "a.toml").write_text('[scan]\nnav_shape = [2, 2]\npositions = "spiral.csv"\n')
        config = read_config(tmp_path / "a.toml")
        source = make_config({"sources": SOURCES}).source()
        scan = stream_settings(config, source).rule.fit(5).scan

        assert [scan.position(number) for number in range(5)] == [0, 3, 1, -1, 2]

    @pytest.mark.parametrize(
        ("text", "scan", "told"),
        [
            (None, {}, "cannot be read"),
            ("0\n1\nmany\n", {}, "line 3 of the position table"),
            ("0\n4\n", {"nav_shape": [2, 2]}, "entry 1 of the position table is position 4"),
            ("0\n1\n", {"order": "snake"}, "no order, no flyback"),
            ("0\n1\n", {"nav_shape": [1, -1]}, "every axis must be told"),
        ],
    )
    def test_a_position_table_that_will_not_do(self, tmp_path, text, scan, told):
        path = tmp_path / "table.csv"
        if text is not None:
            path.write_text(text)
        config = make_config({"sources": SOURCES, "scan": {**scan, "positions": str(path)}})
        with pytest.raises(ConfigError, match="scan.positions = .*table.csv.*" + told):
            stream_settings(config, config.source())

    def test_workers(self):
        assert worker_count(make_config({"workers": {"count": 3}})) == 3
        assert worker_count(make_config({})) >= 1

    def test_pipeline_names_must_differ(self):
        twice = [{"name": "a", "udf": "sum"}] * 2

        with pytest.raises(ConfigError, match="'a' is used twice"):
            make_pipeline(make_config({"pipeline": twice}).pipeline)

    @pytest.mark.parametrize("udf", ["smu", "no.such.module:Class", "math:NoClass"])
    def test_pipeline_of_what_is_not_there(self, udf):
        config = make_config({"pipeline": [{"name": "a", "udf": udf}]})

        with pytest.raises(ConfigError, match="pipeline 'a'"):
            make_pipeline(config.pipeline)

    def test_pipeline_with_wrong_parameters(self):
        entry = {"name": "a", "udf": "sum", "params": {"nonsense": 1}}

        with pytest.raises(ConfigError, match="pipeline 'a'"):
            make_pipeline(make_config({"pipeline": [entry]}).pipeline)


class TestScan:
    """How a scan runs is told once, for streams and for files."""

    def test_of_a_stream(self):
        scan = {"nav_shape": [4, 10], "order": "snake", "flyback": 1, "lead_in": 2}
        config = make_config({"sources": SOURCES, "scan": scan})

        made = stream_settings(config, config.source(None)).rule.fit(46).scan

        assert (made.shape, made.order, made.flyback, made.lead_in) == ((4, 10), "snake", 1, 2)

    @pytest.mark.parametrize(
        "wrong", [{"order": "spiral"}, {"flyback": -1}, {"frames_per_position": 0}]
    )
    def test_what_cannot_be(self, wrong):
        assert next(iter(wrong)) in refusal({"scan": wrong})
