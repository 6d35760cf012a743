"""What decides what is in a result file."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from framefold.batch import Recipe
from framefold.config import PipelineConfig
from framefold.errors import DataError
from framefold.representations.calibration import Step

RECIPE = Recipe(
    (PipelineConfig(name="bf", udf="virtual_detector", params={"shape": "disk", "r": 3.5}),),
    {"nav_shape": (4, -1), "dtype": "uint16"},
    True,
    Step(0.1, 0.2, "nm"),
)


def test_comes_back_from_a_file():
    told = json.loads(json.dumps(RECIPE.as_dict()))

    again = Recipe.of_dict(told, "x.h5")

    assert again.pipeline == RECIPE.pipeline
    assert again.scan_step == RECIPE.scan_step
    assert again.digest == RECIPE.digest


@pytest.mark.parametrize(
    "changed",
    [
        {"pipeline": (PipelineConfig(name="bf", udf="virtual_detector", params={"r": 3}),)},
        {"opening": {"nav_shape": (4, -1)}},
        {"ordered": False},
        {"pixel_size": Step(1, 1, "mrad")},
    ],
)
def test_whatever_is_changed_makes_another_one(changed):
    assert replace(RECIPE, **changed).digest != RECIPE.digest


@pytest.mark.parametrize(
    "facts",
    [None, {}, {"opening": {}, "udfs": 3}, {"opening": {}, "udfs": [{"udf": "sum"}]},
     {"opening": {}, "udfs": [], "scan_step": "far"}],
)  # fmt: skip
def test_what_is_none(facts):
    with pytest.raises(DataError, match=r"x\.h5"):
        Recipe.of_dict(facts, "x.h5")
