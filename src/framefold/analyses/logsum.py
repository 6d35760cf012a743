"""LogsumUDF: the sum of the logarithms of all frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError
from framefold.udf import UDF, BufferWrapper

STEPS = 2.0**32
"""Integers that make one: a sum of the largest logarithms fits 63 bits for 48 million frames."""


class LogsumUDF(UDF):
    """Add up ``ln(frame - min(frame) + 1)`` over all frames: weak features beside strong ones.

    Logarithms of integer frames are rounded to steps of 2**-32 and added up as integers, so
    that no cut of the scan and no order of merging shows in the result; each is off by at most
    1.2e-10. Those of other frames are added up in float64. The result is rounded once.

    Result ``logsum``: one value a pixel, float32.

    Raises
    ------
    ParameterError
        When the run begins, if the frames are complex.
    """

    TAKES_HOLES = True

    def __init__(self) -> None:
        super().__init__()

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``logsum`` for the user; ``total``, wide, for us."""
        dtype = self.meta.input_dtype
        if dtype.kind == "c":
            raise ParameterError(f"frames of {dtype} have no smallest value; take magnitudes first")
        return {
            "logsum": self.buffer("sig", dtype=np.float32, use="result_only"),
            "total": self.buffer("sig", dtype=self._sum_dtype(), use="private"),
        }

    def _sum_dtype(self) -> type[np.generic]:
        return np.int64 if self.meta.tile_dtype.kind in "biu" else np.float64

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Add one frame; it is needed whole, for its minimum."""
        above = frame.astype(np.float64)
        above -= above.min()
        above += 1
        np.log(above, out=above)
        total = self.results.total
        if total.dtype == np.int64:
            above *= STEPS
            total[:] += np.rint(above, out=above).astype(np.int64)
        else:
            total[:] += above

    def merge(self, dest: Any, src: Any) -> None:
        """Add one partition's sums."""
        dest.total[:] += src.total

    def merge_all(self, ordered_results: Any) -> dict[str, NDArray[Any]]:
        """All partitions' sums at once."""
        return {"total": np.sum([part.total for part in ordered_results.values()], axis=0)}

    def get_results(self) -> dict[str, Any]:
        """The sums so far, rounded once."""
        total = self.results.total
        wide = total / STEPS if total.dtype == np.int64 else total
        return {"logsum": wide.astype(np.float32)}


def run_logsum(ctx: Any, dataset: Any, roi: Any = None) -> dict[str, BufferWrapper]:
    """Run `LogsumUDF` over a data set.

    Parameters
    ----------
    ctx : Context
        Who runs it.
    dataset : DataSet
        The frames.
    roi : optional
        Which positions; all when left out.

    Returns
    -------
    dict of str to BufferWrapper
        ``logsum``.
    """
    results: dict[str, BufferWrapper] = ctx.run_udf(dataset=dataset, udf=LogsumUDF(), roi=roi)
    return results
