"""CrystallinityUDF: how much of each frame repeats itself with certain periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.detector_masks import squared_distance
from framefold.analyses.numbers import check_number, check_point, check_radii
from framefold.errors import ParameterError, ShapeError
from framefold.udf import UDF, BufferWrapper


class CrystallinityUDF(UDF):
    """Add up the magnitudes of each frame's Fourier components within a ring of frequencies.

    Components of conjugate pairs count once, as in the half spectrum of a real transform.

    Result ``intensity``: one value a position, float32.

    Parameters
    ----------
    rad_in, rad_out : float
        Frequencies above ``rad_in`` count, up to and with ``rad_out`` [periods per frame].
    real_center : sequence of two floats, optional
        Centre of a disk that is left out of the frame, y before x [pixels].
    real_rad : float, optional
        Its radius [pixels]; pixels at exactly this distance are left out as well. Nothing is left
        out unless both are given.

    Raises
    ------
    ParameterError
        If a parameter does not fit; when the run begins also if frames are complex.
    ShapeError
        When the run begins, if frames have other than two axes.
    """

    TAKES_HOLES = True

    def __init__(
        self,
        rad_in: float,
        rad_out: float,
        real_center: Sequence[float] | None = None,
        real_rad: float | None = None,
    ) -> None:
        check_radii(("rad_in", rad_in), ("rad_out", rad_out))
        if real_center is not None:
            check_point("real_center", real_center)
            real_center = tuple(real_center)
        if real_rad is not None:
            check_number("real_rad", real_rad, least=0)
        super().__init__(rad_in=rad_in, rad_out=rad_out, real_center=real_center, real_rad=real_rad)

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity``; also where a detector without rows and columns is refused.

        Raises
        ------
        ShapeError
            If frames have other than two axes.
        ParameterError
            If they are complex.
        """
        dtype = self.meta.input_dtype
        if dtype.kind == "c":
            raise ParameterError(f"frames of {dtype} have no half spectrum; take magnitudes first")
        sig = tuple(self.meta.dataset_shape.sig)
        if len(sig) != 2:
            raise ShapeError(f"crystallinity needs frames of rows and columns, these are {sig}")
        return {"intensity": self.buffer("nav", dtype=np.float32)}

    def get_task_data(self) -> dict[str, Any]:
        """Which pixels, and which frequencies of the half spectrum."""
        height, width = self.meta.dataset_shape.sig
        pixels = None
        if self.params.real_center is not None and self.params.real_rad is not None:
            distance = squared_distance((height, width), *self.params.real_center)
            pixels = distance > self.params.real_rad**2
        # in integers: fftfreq() times the size rounds, and frequencies at rad_out would be lost
        rows = (np.arange(height) + height // 2) % height - height // 2
        squared = rows[:, np.newaxis] ** 2 + np.arange(width // 2 + 1) ** 2
        inside = (squared > self.params.rad_in**2) & (squared <= self.params.rad_out**2)
        return {"pixels": pixels, "frequencies": inside}

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Take one frame; it is needed whole."""
        pixels = self.task_data.pixels
        seen = frame if pixels is None else frame * pixels
        spectrum = np.fft.rfft2(seen.astype(np.float64, copy=False))
        self.results.intensity[:] = np.abs(spectrum[self.task_data.frequencies]).sum()


def run_analysis_crystall(
    ctx: Any,
    dataset: Any,
    rad_in: float,
    rad_out: float,
    real_center: Sequence[float] | None = None,
    real_rad: float | None = None,
    roi: Any = None,
    progress: bool = False,
) -> dict[str, BufferWrapper]:
    """Run `CrystallinityUDF` over a data set.

    Parameters
    ----------
    ctx : Context
        Who runs it.
    dataset : DataSet
        The frames.
    rad_in, rad_out, real_center, real_rad
        As in `CrystallinityUDF`.
    roi : optional
        Which positions; all when left out.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    dict of str to BufferWrapper
        ``intensity``.
    """
    udf = CrystallinityUDF(rad_in, rad_out, real_center, real_rad)
    results: dict[str, BufferWrapper] = ctx.run_udf(
        dataset=dataset, udf=udf, roi=roi, progress=progress
    )
    return results
