"""Analyses that show what one shipped UDF finds: spread over frames, sum and spread of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.analysis import Analysis, AnalysisResult, AnalysisResultSet, shape_of
from framefold.analyses.complex_forms import log_and_linear
from framefold.analyses.fem import FEMUDF
from framefold.analyses.region_analyses import centred
from framefold.analyses.scan_regions import scan_region
from framefold.analyses.stddev import StdDevUDF
from framefold.analyses.sumsig import SumSigUDF
from framefold.udf import UDF


class SDAnalysis(Analysis):
    """Find the standard deviation of each pixel over all frames.

    Results ``intensity``, for a logarithmic picture, and ``intensity_lin``: the same numbers.
    ``parameters``: ``roi``, a part of the scan as `scan_region` takes it.
    """

    def get_udf(self) -> UDF:
        """The deviations."""
        return StdDevUDF()

    def get_roi(self) -> NDArray[np.bool_] | None:
        """The part of the scan it was restricted to."""
        return scan_region(self.parameters.get("roi"), tuple(shape_of(self.dataset).nav))

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The deviations, twice."""
        return log_and_linear(udf_results["std"].data, "standard deviation over frames")


class SumSigAnalysis(Analysis):
    """Add up each frame.

    Results ``intensity``, for a logarithmic picture, and ``intensity_lin``: the same numbers.
    """

    def get_udf(self) -> UDF:
        """The sums."""
        return SumSigUDF()

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The sums, twice."""
        return log_and_linear(udf_results["intensity"].data, "sum of each frame")


class FEMAnalysis(Analysis):
    """Find the standard deviation of the pixels of each frame within a ring: `FEMUDF`.

    Result ``intensity``. ``parameters``: ``cx``, ``cy``, ``ri``, ``ro`` [pixels]; the middle of the
    detector when the centre is left out.
    """

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        super().__init__(dataset, centred(dataset, parameters, {}))

    def get_udf(self) -> UDF:
        """The deviations."""
        p = self.parameters
        return FEMUDF((p["cy"], p["cx"]), p["ri"], p["ro"])

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """One number a position."""
        data = udf_results["intensity"].data
        what = "standard deviation within the ring"
        return AnalysisResultSet([AnalysisResult(data, "intensity", what, "intensity")])
