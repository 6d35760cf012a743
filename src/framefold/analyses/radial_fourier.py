"""RadialFourierAnalysis: how pixels in rings repeat themselves on the way round."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.analysis import Analysis, AnalysisResult, AnalysisResultSet, detector_of
from framefold.analyses.detector_masks_polar import bounding_radius, polar_map, radial_bins
from framefold.analyses.masks import ApplyMasksUDF
from framefold.analyses.numbers import check_count, check_number, check_radii
from framefold.udf import UDF


def radial_fourier_masks(
    sig_shape: tuple[int, int],
    cy: float,
    cx: float,
    ri: float,
    ro: float,
    n_bins: int,
    max_order: int,
) -> NDArray[np.complex64]:
    """Soft rings times ``exp(i order phi)``.

    Parameters
    ----------
    sig_shape : tuple of int
        Detector shape.
    cy, cx : float
        Centre [pixels].
    ri, ro : float
        Inner and outer radius [pixels].
    n_bins : int
        How many rings there are between them.
    max_order : int
        Orders go from 0 to this one.

    Returns
    -------
    ndarray of complex64, shape (n_bins * (max_order + 1),) + sig_shape
        All orders of the first ring, of the second, ...
    """
    size = (cx, cy, sig_shape[1], sig_shape[0])
    rings = radial_bins(*size, radius=ro, radius_inner=ri, n_bins=n_bins, use_sparse=False)
    _, phi = polar_map(*size)
    orders = np.arange(max_order + 1)[:, np.newaxis, np.newaxis]
    stack = rings[:, np.newaxis] * np.exp(1j * orders * phi)
    return np.asarray(stack.reshape(-1, *sig_shape), np.complex64)


class RadialFourierAnalysis(Analysis):
    """Find the Fourier components of the pixels in rings, by the angle about a centre.

    Results, for each ring b and order o, nav-shaped: ``dominant_b``, the strongest order but 0;
    ``absolute_b_o``; ``phase_b_o`` [rad]; ``complex_b_o``. ``raw_results`` has all components,
    complex, shape (rings, orders) + nav.

    Parameters
    ----------
    dataset : DataSet
        The frames.
    cx, cy : float, optional
        Centre [pixels]; half the detector's size when left out.
    ri, ro : float, optional
        Inner and outer radius [pixels]; all of the detector when left out.
    n_bins : int
        How many rings there are between them.
    max_order : int
        The highest order [periods per turn].
    use_sparse : bool or str, optional
        As in `ApplyMasksUDF`.

    Raises
    ------
    ParameterError
        If a parameter does not fit.
    ShapeError
        If frames have other than two axes.
    """

    def __init__(
        self,
        dataset: Any,
        cx: float | None = None,
        cy: float | None = None,
        ri: float | None = None,
        ro: float | None = None,
        n_bins: int | None = None,
        max_order: int | None = None,
        use_sparse: bool | str | None = None,
    ) -> None:
        height, width = detector_of(dataset)
        cx = width / 2 if cx is None else cx
        cy = height / 2 if cy is None else cy
        check_number("cx", cx)
        check_number("cy", cy)
        given = {
            "cx": cx,
            "cy": cy,
            "ri": 0 if ri is None else ri,
            "ro": bounding_radius(cx, cy, width, height) if ro is None else ro,
            "n_bins": 1 if n_bins is None else n_bins,
            "max_order": 24 if max_order is None else max_order,
            "use_sparse": use_sparse,
        }
        check_radii(("ri", given["ri"]), ("ro", given["ro"]))
        check_count("n_bins", given["n_bins"])
        check_count("max_order", given["max_order"], least=0)
        super().__init__(dataset, given)

    def get_udf(self) -> UDF:
        """A mask for each ring and order."""
        p = self.parameters
        names = ("cy", "cx", "ri", "ro", "n_bins", "max_order")
        factory = partial(
            radial_fourier_masks, detector_of(self.dataset), **{name: p[name] for name in names}
        )
        return ApplyMasksUDF(
            factory,
            use_sparse=p["use_sparse"],
            mask_count=p["n_bins"] * (p["max_order"] + 1),
            mask_dtype=np.complex64,
        )

    def get_udf_results(
        self,
        udf_results: Mapping[str, Any],
        roi: Any = None,  # noqa: ARG002
        damage: Any = None,  # noqa: ARG002
    ) -> AnalysisResultSet:
        """All components, and what follows from them."""
        data = udf_results["intensity"].data
        rings, orders = self.parameters["n_bins"], self.parameters["max_order"] + 1
        raw = np.moveaxis(data.reshape(*data.shape[:-1], rings, orders), (-2, -1), (0, 1))
        absolute, phase = np.abs(raw), np.angle(raw)
        first: list[AnalysisResult] = []
        phases: list[AnalysisResult] = []
        components: list[AnalysisResult] = []
        for b in range(rings):
            strongest = np.zeros(raw.shape[2:], np.int64)
            if orders > 1:
                strongest = absolute[b, 1:].argmax(axis=0) + 1
            title = f"dominant order of bin {b}"
            first.append(
                AnalysisResult(strongest, title, "Dominant Fourier component", f"dominant_{b}")
            )
            for o in range(orders):
                where = f"bin {b} order {o}"
                for results, values, title, desc, key in (
                    (first, absolute, f"absolute of {where}", "Magnitude", "absolute"),
                    (phases, phase, f"phase of {where}", "Phase [rad]", "phase"),
                    (components, raw, where, "Fourier component", "complex"),
                ):
                    results.append(AnalysisResult(values[b, o], title, desc, f"{key}_{b}_{o}"))
        return AnalysisResultSet([*first, *phases, *components], raw)
