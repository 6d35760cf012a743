"""Analyses for common questions: sums, single frames, virtual detectors, centres of mass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.analyses.analysis import Analysis, AnalysisResult, AnalysisResultSet, shape_of
from framefold.analyses.com import CoMUDF
from framefold.analyses.complex_forms import forms, log_and_linear
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.pick import PickUDF
from framefold.analyses.radial_fourier import RadialFourierAnalysis
from framefold.analyses.region_analyses import (
    DiskMaskAnalysis,
    PointMaskAnalysis,
    RingMaskAnalysis,
    centred,
)
from framefold.analyses.scan_regions import scan_region
from framefold.analyses.sum import SumUDF
from framefold.errors import ParameterError, ShapeError
from framefold.udf import UDF

__all__ = [
    "COMAnalysis",
    "DiskMaskAnalysis",
    "MasksAnalysis",
    "PickFrameAnalysis",
    "PointMaskAnalysis",
    "RadialFourierAnalysis",
    "RingMaskAnalysis",
    "SumAnalysis",
    "create_com_analysis",
    "create_disk_analysis",
    "create_mask_analysis",
    "create_pick_analysis",
    "create_point_analysis",
    "create_radial_fourier_analysis",
    "create_ring_analysis",
    "create_sum_analysis",
]


class SumAnalysis(Analysis):
    """Add up all frames.

    Results ``intensity``, for a logarithmic picture, and ``intensity_lin``: the same numbers; of a
    complex sum the magnitude, with the numbers as ``intensity_complex``, ``intensity_real``, ...
    ``parameters``: ``roi``, a part of the scan as `scan_region` takes it.
    """

    def get_udf(self) -> UDF:
        """The sum."""
        return SumUDF()

    def get_roi(self) -> NDArray[np.bool_] | None:
        """The part of the scan it was restricted to."""
        return scan_region(self.parameters.get("roi"), tuple(shape_of(self.dataset).nav))

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The sum, twice."""
        return log_and_linear(udf_results["intensity"].data, "sum of frames")


class PickFrameAnalysis(Analysis):
    """Show one frame.

    Results ``intensity``, for a logarithmic picture, and ``intensity_lin``: the same numbers.
    ``parameters`` are ``x``, ``y`` and ``z``: as many as the scan has axes, the last axis first.

    Raises
    ------
    ParameterError
        If there are more or fewer coordinates than axes, or they lie beyond the scan.
    """

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        super().__init__(dataset, parameters)
        nav = tuple(shape_of(dataset).nav)
        needed = ("x", "y", "z")[: len(nav)]
        given = {name for name in ("x", "y", "z") if parameters.get(name) is not None}
        if len(nav) > 3 or given != set(needed):
            raise ParameterError(
                f"a frame of the scan {nav} needs {', '.join(needed)}, not "
                f"{', '.join(sorted(given)) or 'nothing'}"
            )
        self.index = tuple(int(parameters[name]) for name in reversed(needed))
        if any(not -n <= i < n for i, n in zip(self.index, nav, strict=True)):
            raise ParameterError(f"position {self.index} is not in the scan {nav}")

    def get_udf(self) -> UDF:
        """The frame."""
        return PickUDF()

    def get_roi(self) -> NDArray[np.bool_]:
        """Its position."""
        roi = np.zeros(tuple(shape_of(self.dataset).nav), np.bool_)
        roi[self.index] = True
        return roi

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The frame, twice."""
        names = ("x", "y", "z")[: len(self.index)]
        place = " ".join(f"{name}={self.parameters[name]}" for name in names)
        return log_and_linear(udf_results["intensity"].data[0], f"the frame at {place}")


class MasksAnalysis(Analysis):
    """Dot products of every frame with masks.

    Results ``mask_0``, ``mask_1``, ...; of complex products the magnitude, with ``mask_0_log`` (the
    same numbers), ``mask_0_real``, ``mask_0_imag``, ``mask_0_angle`` and ``mask_0_complex`` beside
    it. ``parameters``: ``factories``, and as in `ApplyMasksUDF` ``use_sparse``, ``mask_count``,
    ``mask_dtype``, and ``dtype`` for ``preferred_dtype``. A subclass may override
    `get_mask_factories` instead.
    """

    def get_mask_factories(self) -> Any:
        """The masks, as `ApplyMasksUDF` takes them."""
        return self.parameters["factories"]

    def get_udf(self) -> UDF:
        """The products."""
        p = self.parameters
        return ApplyMasksUDF(
            self.get_mask_factories(),
            use_sparse=p.get("use_sparse"),
            mask_count=p.get("mask_count"),
            mask_dtype=p.get("mask_dtype"),
            preferred_dtype=p.get("dtype"),
        )

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """The products, one mask after another."""
        data = udf_results["intensity"].data
        results: list[AnalysisResult] = []
        for i in range(data.shape[-1]):
            what = f"integrated intensity for mask {i}"
            results += forms(data[..., i], f"mask_{i}", f"mask {i}", what)
        return AnalysisResultSet(results)


class COMAnalysis(Analysis):
    """Find the centre of mass of each frame.

    Results ``field`` (x before y, shape (2,) + nav), ``magnitude``, ``divergence``, ``curl``, ``x``
    and ``y``, as `CoMUDF` has them; of complex frames also ``x_real``, ``x_imag``, ``y_real`` and
    ``y_imag``. ``parameters``: ``cx``, ``cy``, ``r``, ``ri`` [pixels],
    ``scan_rotation`` [degrees], ``flip_y``.
    """

    def __init__(self, dataset: Any, parameters: Mapping[str, Any]) -> None:
        if shape_of(dataset).nav.dims != 2:
            raise ShapeError(
                "centres of mass need a scan of rows and columns, this is "
                f"{tuple(shape_of(dataset).nav)}; give nav_shape=(rows, columns) when loading"
            )
        defaults = {"r": float("inf"), "ri": 0.0, "scan_rotation": 0.0, "flip_y": False}
        super().__init__(dataset, centred(dataset, parameters, defaults))

    def get_udf(self) -> UDF:
        """The centres."""
        return CoMUDF.with_params(**self.parameters)

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """Field, and what follows from it."""
        channels = {
            name: udf_results[name].data
            for name in ("field_x", "field_y", "magnitude", "divergence", "curl")
        }
        x, y = channels.pop("field_x"), channels.pop("field_y")
        results = [
            AnalysisResult(np.stack([x, y]), "field", "shift of the center, x and y", "field")
        ]
        for key, values in channels.items():
            results.append(AnalysisResult(values, key, f"{key} of the vector field", key))
        for key, values in (("x", x), ("y", y)):
            results.append(AnalysisResult(values, key, f"{key} component of the center", key))
            if values.dtype.kind == "c":
                for part, array in (("real", values.real), ("imag", values.imag)):
                    name = f"{key}_{part}"
                    desc = f"{part} part of the {key} component of the center"
                    results.append(AnalysisResult(array, name, desc, name))
        return AnalysisResultSet(results)


def create_sum_analysis(dataset: Any) -> SumAnalysis:
    """The sum of all frames."""
    return SumAnalysis(dataset, {})


def create_pick_analysis(
    dataset: Any, x: int, y: int | None = None, z: int | None = None
) -> PickFrameAnalysis:
    """One frame, by its place in the scan, the last axis first."""
    return PickFrameAnalysis(dataset, {"x": x, "y": y, "z": z})


def create_mask_analysis(
    factories: Any,
    dataset: Any,
    use_sparse: bool | str | None = None,
    mask_count: int | None = None,
    mask_dtype: DTypeLike | None = None,
    dtype: DTypeLike | None = None,
) -> MasksAnalysis:
    """Dot products with masks; parameters as in `MasksAnalysis`."""
    return MasksAnalysis(
        dataset,
        {
            "factories": factories,
            "use_sparse": use_sparse,
            "mask_count": mask_count,
            "mask_dtype": mask_dtype,
            "dtype": dtype,
        },
    )


def create_disk_analysis(
    dataset: Any, cx: float | None = None, cy: float | None = None, r: float | None = None
) -> DiskMaskAnalysis:
    """A disk; in the middle, and three tenths as wide as the shorter side, when left out."""
    return DiskMaskAnalysis(dataset, {"cx": cx, "cy": cy, "r": r})


def create_ring_analysis(
    dataset: Any,
    cx: float | None = None,
    cy: float | None = None,
    ri: float | None = None,
    ro: float | None = None,
) -> RingMaskAnalysis:
    """A ring; in the middle, as wide as the shorter side, from 0.8 of its radius, when left out."""
    return RingMaskAnalysis(dataset, {"cx": cx, "cy": cy, "ri": ri, "ro": ro})


def create_point_analysis(
    dataset: Any, x: float | None = None, y: float | None = None
) -> PointMaskAnalysis:
    """One pixel; the one in the middle when left out."""
    return PointMaskAnalysis(dataset, {"cx": x, "cy": y})


def create_com_analysis(
    dataset: Any,
    cx: float | None = None,
    cy: float | None = None,
    mask_radius: float | None = None,
    flip_y: bool = False,
    mask_radius_inner: float | None = None,
    scan_rotation: float = 0.0,
) -> COMAnalysis:
    """Centres of mass off a point; the middle of the detector, ``size / 2``, when left out.

    Raises
    ------
    ParameterError
        If a parameter does not fit, or there is an inner radius without an outer one.
    """
    if mask_radius is None and mask_radius_inner is not None:
        raise ParameterError(
            f"mask_radius_inner={mask_radius_inner} without mask_radius; a ring needs both"
        )
    given = {
        "cx": cx,
        "cy": cy,
        "r": mask_radius,
        "ri": mask_radius_inner,
        "scan_rotation": scan_rotation,
        "flip_y": flip_y,
    }
    return COMAnalysis(dataset, given)


def create_radial_fourier_analysis(
    dataset: Any,
    cx: float | None = None,
    cy: float | None = None,
    ri: float | None = None,
    ro: float | None = None,
    n_bins: int | None = None,
    max_order: int | None = None,
    use_sparse: bool | str | None = None,
) -> RadialFourierAnalysis:
    """Fourier components round a centre; parameters as in `RadialFourierAnalysis`."""
    return RadialFourierAnalysis(dataset, cx, cy, ri, ro, n_bins, max_order, use_sparse)
