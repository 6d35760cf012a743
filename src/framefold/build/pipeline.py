"""The UDFs that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framefold import analyses
from framefold.config import PipelineConfig
from framefold.errors import ConfigError, FramefoldError, ParameterError
from framefold.udf import UDF

DEFAULT_PIPELINE = (
    PipelineConfig(name="sum", udf="sum"),
    PipelineConfig(name="sumsig", udf="sumsig"),
    PipelineConfig(name="com", udf="com"),
)
"""What runs when the configuration names nothing."""


def make_udf(name: str, params: Mapping[str, Any]) -> UDF:
    """A UDF by name.

    Parameters
    ----------
    name : str
        A name of the UDF table, or ``"module:Class"``.
    params : mapping
        Its parameters.

    Raises
    ------
    UnknownNameError
        If there is no such UDF.
    ParameterError
        If it does not take these parameters.
    """
    try:
        made: UDF = analyses.make_udf(name, params)
    except (ImportError, AttributeError) as error:
        raise ParameterError(f"UDF {name!r} cannot be imported: {error}") from error
    return made


def make_pipeline(pipeline: tuple[PipelineConfig, ...]) -> dict[str, UDF]:
    """The UDFs of a configuration by the names it gives them.

    Raises
    ------
    ConfigError
        If two have the same name, or one cannot be made.
    """
    made: dict[str, UDF] = {}
    for entry in pipeline or DEFAULT_PIPELINE:
        if entry.name in made:
            raise ConfigError(f"pipeline name {entry.name!r} is used twice; names must differ")
        try:
            made[entry.name] = make_udf(entry.udf, entry.params)
        except FramefoldError as error:
            raise ConfigError(f"pipeline {entry.name!r}: {error}") from error
    return made
