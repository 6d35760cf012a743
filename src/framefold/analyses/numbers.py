"""Checks of parameters that are numbers or types of numbers, with the errors users read."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from framefold.errors import ParameterError


def check_number(name: str, value: Any, *, least: float | None = None) -> None:
    """Refuse what is not a finite number, or is below ``least``.

    Raises
    ------
    ParameterError
        Naming the parameter and its value.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ParameterError(f"{name}={value!r} must be a number")
    if least is not None and float(value) < least:
        raise ParameterError(f"{name}={value!r} must be at least {least:g}")


def check_count(name: str, value: Any, *, least: int = 1) -> None:
    """Refuse what is not a whole number of at least ``least``.

    Raises
    ------
    ParameterError
        Naming the parameter and its value.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ParameterError(f"{name}={value!r} must be a whole number, at least {least}")


def check_dtype(name: str, value: Any) -> None:
    """Refuse what numpy takes for no dtype of numbers.

    Raises
    ------
    ParameterError
        Naming the parameter and its value.
    """
    try:
        kind = np.dtype(value).kind
    except TypeError as error:
        raise ParameterError(f"{name}={value!r} is no dtype; say 'float32' or 'float64'") from error
    if kind not in "buifc":
        raise ParameterError(f"{name}={value!r} is not numeric; say 'float32' or 'float64'")


def check_point(name: str, value: Any) -> None:
    """Refuse what is not two numbers, y before x.

    Raises
    ------
    ParameterError
        Naming the parameter and its value.
    """
    if not isinstance(value, (Sequence, np.ndarray)) or len(value) != 2:
        raise ParameterError(f"{name}={value!r} must be two numbers, y and x")
    for axis, entry in zip("yx", value, strict=True):
        check_number(f"{axis} of {name}", entry)


def check_radii(inner: tuple[str, Any], outer: tuple[str, Any]) -> None:
    """Refuse radii of which the first is not the smaller one.

    Parameters
    ----------
    inner, outer : tuple of str and object
        Name and value.

    Raises
    ------
    ParameterError
        Naming the parameter and its value.
    """
    for name, value in (inner, outer):
        check_number(name, value, least=0)
    if inner[1] >= outer[1]:
        raise ParameterError(
            f"{inner[0]}={inner[1]!r} must be smaller than {outer[0]}={outer[1]!r}"
        )
