"""Analyses of periods: Fourier transforms of one frame, of the sum, and within a ring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.analysis import Analysis, AnalysisResult, AnalysisResultSet, detector_of
from framefold.analyses.classic import PickFrameAnalysis, SumAnalysis
from framefold.analyses.complex_forms import log_and_linear
from framefold.analyses.crystallinity import CrystallinityUDF
from framefold.analyses.detector_masks import squared_distance
from framefold.analyses.numbers import check_number
from framefold.errors import ParameterError
from framefold.udf import UDF

_DISK = ("real_centery", "real_centerx", "real_rad")


def left_out(parameters: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Row, column and radius [pixels] of the disk that is left out of frames, if there is one.

    Raises
    ------
    ParameterError
        If only some of ``real_centery``, ``real_centerx`` and ``real_rad`` are given, or one is no
        number.
    """
    given = [parameters.get(name) for name in _DISK]
    if all(value is None for value in given):
        return None
    for name, value in zip(_DISK, given, strict=True):
        if value is None:
            raise ParameterError(f"{name} is missing; a disk to leave out needs {', '.join(_DISK)}")
        check_number(name, value)
    y, x, radius = (float(value) for value in given if value is not None)
    return y, x, radius


def spectrum(frame: NDArray[Any], disk: tuple[float, float, float] | None) -> NDArray[Any]:
    """Magnitudes of a frame's Fourier components, frequency zero in the middle.

    Parameters
    ----------
    frame : ndarray, shape (h, w)
    disk : tuple of float, optional
        Row, column and radius [pixels] of what is set to zero before.

    Returns
    -------
    ndarray of float, shape (h, w)
    """
    if disk is not None:
        y, x, radius = disk
        frame = frame * (squared_distance((frame.shape[0], frame.shape[1]), y, x) > radius**2)
    return np.asarray(np.abs(np.fft.fftshift(np.fft.fft2(frame))))


class PickFFTFrameAnalysis(PickFrameAnalysis):
    """Show which periods one frame has.

    Results ``intensity``, for a logarithmic picture, and ``intensity_lin``: the same magnitudes,
    frequency zero in the middle. ``parameters``: as in `PickFrameAnalysis`, and ``real_centerx``,
    ``real_centery``, ``real_rad`` [pixels]: a disk that is left out of the frame.
    """

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        super().__init__(dataset, parameters)
        detector_of(dataset)
        self.disk = left_out(parameters)

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The magnitudes, twice."""
        frame = udf_results["intensity"].data[0]
        return log_and_linear(spectrum(frame, self.disk), "Fourier transform of a frame")


class SumfftAnalysis(SumAnalysis):
    """Show which periods the sum of all frames has.

    Results and ``parameters``: as in `PickFFTFrameAnalysis`, and ``roi`` as in `SumAnalysis`.
    """

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        super().__init__(dataset, parameters)
        detector_of(dataset)
        self.disk = left_out(parameters)

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The magnitudes, twice."""
        total = udf_results["intensity"].data
        return log_and_linear(spectrum(total, self.disk), "Fourier transform of the sum")


class ApplyFFTMask(Analysis):
    """Tell how much of each frame repeats itself with certain periods: `CrystallinityUDF`.

    Result ``intensity``. ``parameters``: ``rad_in``, ``rad_out`` [periods per frame], and
    ``real_centerx``, ``real_centery``, ``real_rad`` as in `PickFFTFrameAnalysis`.
    """

    def get_udf(self) -> UDF:
        """The sums over the ring of frequencies."""
        disk = left_out(self.parameters)
        rad_in, rad_out = self.parameters["rad_in"], self.parameters["rad_out"]
        if disk is None:
            return CrystallinityUDF(rad_in, rad_out)
        return CrystallinityUDF(rad_in, rad_out, disk[:2], disk[2])

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """One number a position."""
        data = udf_results["intensity"].data
        what = "magnitudes within the ring of frequencies"
        return AnalysisResultSet([AnalysisResult(data, "intensity", what, "intensity")])
