"""Recipe: everything but the recording that decides what is in a result file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framefold.config import PipelineConfig, make_config
from framefold.errors import DataError, FramefoldError
from framefold.representations.calibration import Step


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is run, and how recordings are opened for it.

    Parameters
    ----------
    pipeline : tuple of PipelineConfig
        The UDFs with their parameters.
    opening : mapping
        What `framefold.formats.open_dataset` is told beside the path; plain values.
    ordered : bool
        Whether partitions are merged in the order of the scan.
    scan_step, pixel_size : Step or None
        Calibration, as the user said.
    """

    pipeline: tuple[PipelineConfig, ...]
    opening: Mapping[str, Any] = field(default_factory=dict)
    ordered: bool = False
    scan_step: Step | None = None
    pixel_size: Step | None = None

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for JSON."""
        return {
            "udfs": [entry.model_dump() for entry in self.pipeline],
            "opening": dict(self.opening),
            "ordered": self.ordered,
            "scan_step": None if self.scan_step is None else str(self.scan_step),
            "pixel_size": None if self.pixel_size is None else str(self.pixel_size),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the recipe: two that are equal give the same results of the same frames."""
        text = json.dumps(self.as_dict(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def of_dict(cls, facts: object, where: str) -> Recipe:
        """The same from plain values, as a result file holds them.

        Parameters
        ----------
        facts : object
            What `as_dict` gave, through JSON.
        where : str
            What they were read from, for messages.

        Raises
        ------
        DataError
            If they are no recipe.
        """
        if not isinstance(facts, Mapping) or not isinstance(facts.get("opening"), Mapping):
            raise DataError(
                f"{where} does not say how it was made; only files of `framefold run -o` do"
            )
        try:
            config = make_config({"schema": 1, "pipeline": facts.get("udfs")}, where)
            return cls(
                config.pipeline,
                dict(facts["opening"]),
                facts.get("ordered") is True,
                _step(facts.get("scan_step")),
                _step(facts.get("pixel_size")),
            )
        except FramefoldError as error:
            raise DataError(f"{where} cannot be made again: {error}") from error


def _step(said: object) -> Step | None:
    return Step.parsed(said) if isinstance(said, str) else None
