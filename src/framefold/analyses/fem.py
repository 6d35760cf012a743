"""FEMUDF: how uneven each frame is within a ring, for fluctuation electron microscopy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.numbers import check_point, check_radii
from framefold.analyses.regions import Annulus
from framefold.errors import ParameterError, ShapeError
from framefold.udf import UDF, BufferWrapper


class FEMUDF(UDF):
    """Find the standard deviation of the pixels of each frame within a ring.

    Result ``intensity``: one value a position, float32, computed in float64.

    Parameters
    ----------
    center : sequence of two floats
        Centre of the ring, y before x [pixels].
    rad_in, rad_out : float
        Pixels farther than ``rad_in`` from the centre count; those at exactly ``rad_out`` are the
        last that do [pixels].

    Raises
    ------
    ParameterError
        If a parameter does not fit; when the run begins also if no pixel lies in the ring.
    ShapeError
        When the run begins, if frames have other than two axes.
    """

    TAKES_HOLES = True

    def __init__(self, center: Sequence[float], rad_in: float, rad_out: float) -> None:
        check_point("center", center)
        check_radii(("rad_in", rad_in), ("rad_out", rad_out))
        super().__init__(center=tuple(center), rad_in=rad_in, rad_out=rad_out)

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity``; also where a ring beside the detector is refused."""
        self._pixels()
        return {"intensity": self.buffer("nav", dtype=np.float32)}

    def get_task_data(self) -> dict[str, Any]:
        """Flat numbers of the pixels in the ring."""
        return {"pixels": self._pixels()}

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Take one frame; its ring is needed whole."""
        within = frame.reshape(-1)[self.task_data.pixels]
        wide = np.complex128 if within.dtype.kind == "c" else np.float64
        self.results.intensity[:] = within.astype(wide).std()

    def _pixels(self) -> NDArray[np.int64]:
        sig = tuple(self.meta.dataset_shape.sig)
        if len(sig) != 2:
            raise ShapeError(f"a ring needs frames of rows and columns, these are {sig}")
        cy, cx = self.params.center
        rad_in, rad_out = self.params.rad_in, self.params.rad_out
        pixels = np.flatnonzero(Annulus(cy, cx, rad_out, rad_in, with_inner=False).mask(sig))
        if not pixels.size:
            raise ParameterError(
                f"no pixel of a {sig[0]}x{sig[1]} detector lies between rad_in={rad_in} and "
                f"rad_out={rad_out} around center={self.params.center} (y, x)"
            )
        return pixels


def run_fem(
    ctx: Any,
    dataset: Any,
    center: Sequence[float],
    rad_in: float,
    rad_out: float,
    roi: Any = None,
) -> dict[str, BufferWrapper]:
    """Run `FEMUDF` over a data set.

    Parameters
    ----------
    ctx : Context
        Who runs it.
    dataset : DataSet
        The frames.
    center, rad_in, rad_out
        As in `FEMUDF`.
    roi : optional
        Which positions; all when left out.

    Returns
    -------
    dict of str to BufferWrapper
        ``intensity``.
    """
    udf = FEMUDF(center, rad_in, rad_out)
    results: dict[str, BufferWrapper] = ctx.run_udf(dataset=dataset, udf=udf, roi=roi)
    return results
