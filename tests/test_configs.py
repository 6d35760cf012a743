"""The configurations in configs/ are examples that work."""

from __future__ import annotations

from pathlib import Path

import pytest

from framefold.build.pipeline import DEFAULT_PIPELINE, make_pipeline
from framefold.build.settings import stream_settings
from framefold.cli.demo import demo_config
from framefold.config import make_config, read_config

FOLDER = Path(__file__).resolve().parent.parent / "configs"
FILES = sorted(FOLDER.glob("*.toml"))


def test_there_are_examples():
    assert {"demo.toml", "dectris-passive.toml", "pipeline-example.toml"} <= {
        path.name for path in FILES
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
class TestExamples:
    """Each file loads, and what it asks for can be made."""

    def test_pipeline(self, path):
        config = read_config(path)

        made = make_pipeline(config.pipeline)

        assert list(made) == [entry.name for entry in config.pipeline or DEFAULT_PIPELINE]

    def test_sources(self, path):
        config = read_config(path)

        for name in config.sources:
            assert stream_settings(config, config.source(name)).endpoint.startswith("tcp://")


class TestDemo:
    """configs/demo.toml is what `framefold demo` runs."""

    def test_same_pipeline(self):
        made = demo_config("tcp://127.0.0.1:9999", (128, 128), (128, 128))

        example = read_config(FOLDER / "demo.toml")
        assert made.pipeline == example.pipeline
        assert made.scan == example.scan
        assert made.sources == example.sources

    def test_a_misspelt_key_is_named(self):
        with pytest.raises(ValueError, match="nav_shape"):
            make_config({"schema": 1, "scan": {"navshape": [4, 4]}})
