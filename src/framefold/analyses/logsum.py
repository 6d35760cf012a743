"""LogsumUDF: the sum of the logarithms of all frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf import UDF, BufferWrapper


class LogsumUDF(UDF):
    """Add up ``ln(frame - min(frame) + 1)`` over all frames: weak features beside strong ones.

    Logarithms and sums are taken in float64, frame after frame, and rounded once.

    Result ``logsum``: one value a pixel, float32.
    """

    def __init__(self) -> None:
        super().__init__()

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``logsum`` for the user; ``total``, wide, for us."""
        return {
            "logsum": self.buffer("sig", dtype=np.float32, use="result_only"),
            "total": self.buffer("sig", dtype=np.float64, use="private"),
        }

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Add one frame; it is needed whole, for its minimum."""
        above = frame.astype(np.float64)
        above -= above.min()
        above += 1
        self.results.total[:] += np.log(above, out=above)

    def merge(self, dest: Any, src: Any) -> None:
        """Add one partition's sums."""
        dest.total[:] += src.total

    def merge_all(self, ordered_results: Any) -> dict[str, NDArray[Any]]:
        """All partitions' sums at once."""
        return {"total": np.sum([part.total for part in ordered_results.values()], axis=0)}

    def get_results(self) -> dict[str, Any]:
        """The sums so far, rounded once."""
        return {"logsum": self.results.total.astype(np.float32)}


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
