"""Analyses of one region of the detector: disk, ring, point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.analysis import Analysis, AnalysisResult, AnalysisResultSet, detector_of
from framefold.analyses.complex_forms import forms
from framefold.analyses.detector_masks import circular, ring
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.numbers import check_number, check_radii
from framefold.udf import UDF


class _SingleMaskAnalysis(Analysis):
    """Adds up each frame within one region.

    Results ``intensity`` and, for a logarithmic picture, ``intensity_log``: the same numbers; of
    complex sums the magnitude, with the numbers as ``intensity_complex``, ``intensity_real``, ...
    """

    name = "region"

    def region(self, sig_shape: tuple[int, int]) -> Callable[[], NDArray[Any]]:
        """A picklable factory of the region."""
        raise NotImplementedError

    def get_mask_factories(self) -> list[Callable[[], NDArray[Any]]]:
        """A list of one: the function that makes the region's mask, shape of the detector."""
        return [self.region(detector_of(self.dataset))]

    def get_udf(self) -> UDF:
        """The sums."""
        masks = self.get_mask_factories()
        return ApplyMasksUDF(masks, use_sparse=False, mask_count=1, mask_dtype=np.bool_)

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The sums, twice."""
        data = udf_results["intensity"].data[..., 0]
        what = f"intensity of the integration over the selected {self.name}"
        shown, *others = forms(data, "intensity", "intensity", what)
        values = shown.raw_data
        return AnalysisResultSet(
            [
                AnalysisResult(values, "intensity [lin]", f"{what} lin-scaled", "intensity"),
                AnalysisResult(values, "intensity [log]", f"{what} log-scaled", "intensity_log"),
                *(other for other in others if other.key != "intensity_log"),
            ]
        )


class DiskMaskAnalysis(_SingleMaskAnalysis):
    """Add up each frame within a disk; ``parameters``: ``cx``, ``cy``, ``r`` [pixels]."""

    name = "disk"

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        size = min(detector_of(dataset))
        super().__init__(dataset, centred(dataset, parameters, {"r": size / 2 * 0.3}))
        check_number("r", self.parameters["r"], least=0)

    def region(self, sig_shape: tuple[int, int]) -> Callable[[], NDArray[Any]]:
        """The disk."""
        p = self.parameters
        return partial(circular, p["cx"], p["cy"], sig_shape[1], sig_shape[0], p["r"])


class RingMaskAnalysis(_SingleMaskAnalysis):
    """Add up each frame within a ring; ``parameters``: ``cx``, ``cy``, ``ri``, ``ro`` [pixels]."""

    name = "ring"

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        outer = parameters.get("ro")
        outer = min(detector_of(dataset)) / 2 if outer is None else outer
        check_number("ro", outer, least=0)
        super().__init__(dataset, centred(dataset, parameters, {"ro": outer, "ri": outer * 0.8}))
        check_radii(("ri", self.parameters["ri"]), ("ro", outer))

    def region(self, sig_shape: tuple[int, int]) -> Callable[[], NDArray[Any]]:
        """The ring."""
        p = self.parameters
        return partial(ring, p["cx"], p["cy"], sig_shape[1], sig_shape[0], p["ro"], p["ri"])


class PointMaskAnalysis(_SingleMaskAnalysis):
    """Take one pixel of each frame; ``parameters``: ``cx``, ``cy`` [pixels], fractions cut off."""

    name = "point"

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        super().__init__(dataset, centred(dataset, parameters, {}))

    def region(self, sig_shape: tuple[int, int]) -> Callable[[], NDArray[Any]]:
        """The pixel."""
        p = self.parameters
        return partial(circular, int(p["cx"]), int(p["cy"]), sig_shape[1], sig_shape[0], 0)


def centred(
    dataset: Any, parameters: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Parameters with those filled in that are None: centre, and ``defaults``."""
    height, width = detector_of(dataset)
    all_defaults = {"cx": width / 2, "cy": height / 2, **defaults}
    given = {name: value for name, value in parameters.items() if value is not None}
    for name in ("cx", "cy"):
        check_number(name, given.get(name, 0))
    return {**all_defaults, **given}
