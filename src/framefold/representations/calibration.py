"""Calibration: how far apart positions and pixels are, and where that is known from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError

PIXELS = "px"
"""The unit of an axis that nobody calibrated: its numbers are indices."""

_NUMBER = r"([-+]?[\d.]+(?:[eE][-+]?\d+)?)"
_STEP = re.compile(rf"\s*{_NUMBER}(?:\s*,\s*{_NUMBER})?\s*([^\W\d_][^\s,]*|[°%])\s*")

_SCAN_KEYS = {("step_y_nm", "step_x_nm"): "nm"}
_PIXEL_KEYS = {
    ("mrad_per_pixel", "mrad_per_pixel"): "mrad",
    ("y_pixel_size", "x_pixel_size"): "m",
    ("pixel_size_y", "pixel_size_x"): "m",
}
"""Metadata that our readers hand on: one number for each of two axes, slow axis first."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one position or pixel to the next, along the last two axes.

    Parameters
    ----------
    slow, fast : float
        Distance along the slow and the fast axis [unit].
    unit : str
        Its unit, e.g. ``"nm"`` or ``"mrad"``.

    Raises
    ------
    ParameterError
        If a distance is not a number above 0.
    """

    slow: float
    fast: float
    unit: str

    def __post_init__(self) -> None:
        if not all(math.isfinite(size) and size > 0 for size in (self.slow, self.fast)):
            raise ParameterError(f"a step of {self.slow}, {self.fast} {self.unit} cannot be")

    @classmethod
    def parsed(cls, said: str) -> Step:
        """A step from text such as ``0.5nm``, or ``0.5,0.4 nm`` for slow and fast axis.

        Raises
        ------
        ParameterError
            If the text is not like that.
        """
        found = _STEP.fullmatch(said)
        try:
            if found is not None:
                slow = float(found[1])
                return cls(slow, slow if found[2] is None else float(found[2]), found[3])
        except ValueError as error:
            raise ParameterError(f"{said!r} is not like 0.5nm: {error}") from error
        raise ParameterError(f"{said!r} is not like 0.5nm or 0.5,0.4nm (slow axis first)")

    def __str__(self) -> str:
        return f"{self.slow!r},{self.fast!r}{self.unit}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far apart positions and pixels are; None where nobody said.

    Parameters
    ----------
    scan, detector : Step or None
        Of scan positions, and of detector pixels.
    sources : mapping of str to str
        Where each is known from, for people.
    """

    scan: Step | None = None
    detector: Step | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        metadata: Mapping[str, object],
        scan: Step | None = None,
        detector: Step | None = None,
    ) -> Calibration:
        """What is known: what the user said, else what the recording says.

        Parameters
        ----------
        metadata : mapping
            Of the acquisition.
        scan, detector : Step or None
            What the user said.
        """
        sources: dict[str, str] = {}
        found: list[Step | None] = []
        for name, said, keys in (("scan", scan, _SCAN_KEYS), ("detector", detector, _PIXEL_KEYS)):
            step, where = (said, "told by the user") if said else _recorded(metadata, keys)
            found.append(step)
            if step is not None:
                sources[name] = where
        return cls(found[0], found[1], sources)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a result.

    Parameters
    ----------
    name : str
        What it is called in a file.
    label : str
        For people.
    values : ndarray of float64, shape (length,)
        Where each index lies [unit].
    unit : str
        The unit.
    """

    name: str
    label: str
    values: NDArray[np.float64]
    unit: str


def axes(kind: str, shape: tuple[int, ...], step: Step | None) -> tuple[Axis, ...]:
    """The axes of a scan or a detector; the last two are calibrated, if a step is known.

    Parameters
    ----------
    kind : str
        ``"scan"`` or ``"detector"``.
    shape : tuple of int
        Its lengths.
    step : Step or None
        The step; None for indices.
    """
    made = []
    for axis, length in enumerate(shape):
        before_end = len(shape) - axis
        size, unit = 1.0, PIXELS
        if step is not None and before_end <= 2:
            size, unit = (step.fast if before_end == 1 else step.slow), step.unit
        values = np.arange(length, dtype=np.float64) * size
        made.append(Axis(f"{kind}_{axis}", f"{kind} axis {axis} ({unit})", values, unit))
    return tuple(made)


def _recorded(
    metadata: Mapping[str, object], keys: Mapping[tuple[str, str], str]
) -> tuple[Step | None, str]:
    told = {str(name).rpartition("/")[2]: value for name, value in metadata.items()}
    for (slow, fast), unit in keys.items():
        rows, columns = _number(told.get(slow), 0), _number(told.get(fast), -1)
        if rows is not None and columns is not None:
            return Step(rows, columns, unit), " and ".join(dict.fromkeys([slow, fast]))
    return None, ""


def _number(value: object, index: int) -> float | None:
    """A size out of what a recording says; None where it is none that can be."""
    if isinstance(value, list | tuple) and value:
        value = value[index]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None
