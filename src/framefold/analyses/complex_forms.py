"""Results of analyses that may be complex: what people look at, and the numbers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.analysis import AnalysisResult, AnalysisResultSet


def forms(values: NDArray[Any], key: str, title: str, desc: str) -> list[AnalysisResult]:
    """A result; of complex values the magnitude, with everything else beside it.

    Parameters
    ----------
    values : ndarray
        The numbers.
    key, title, desc : str
        As in `AnalysisResult`.

    Returns
    -------
    list of AnalysisResult
        ``key``; of complex values also ``key_log`` (the magnitude again), ``key_real``,
        ``key_imag``, ``key_angle`` [radians] and ``key_complex``.
    """
    if values.dtype.kind != "c":
        return [AnalysisResult(values, title, desc, key)]
    magnitude = np.abs(values)
    arrays = {
        "": ("magn", magnitude),
        "_log": ("log(magn)", magnitude),
        "_real": ("real", values.real),
        "_imag": ("imag", values.imag),
        "_angle": ("angle", np.angle(values)),
        "_complex": ("complex", values),
    }
    return [
        AnalysisResult(array, f"{title} [{form}]", f"{desc} [{form}]", key + suffix)
        for suffix, (form, array) in arrays.items()
    ]


def log_and_linear(data: NDArray[Any], what: str) -> AnalysisResultSet:
    """``intensity``, for a logarithmic picture, and ``intensity_lin``: the same numbers.

    Complex ones are shown by their magnitude, with the other `forms` of ``intensity`` behind it.
    """
    shown, *others = forms(data, "intensity", "intensity", what)
    return AnalysisResultSet(
        [
            AnalysisResult(shown.raw_data, "intensity [log]", f"{what} log-scaled", "intensity"),
            AnalysisResult(
                shown.raw_data, "intensity [lin]", f"{what} lin-scaled", "intensity_lin"
            ),
            *others,
        ]
    )
