"""SumSigUDF: the sum of each frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.encoded_tile import EncodedTile
from framefold.kernels.sums import frame_sums
from framefold.udf import UDF, BufferWrapper


class SumSigUDF(UDF):
    """Add up all pixels of each frame: how much arrived at each scan position.

    Result ``intensity``: one value a position, float32 for integers up to 16 bit, float64 for
    wider ones. Integer frames are added up exactly and rounded once; float frames in float64 in
    a fixed order of pixels.
    """

    TAKES_HOLES = True

    def __init__(self) -> None:
        super().__init__()

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity``."""
        dtype = np.result_type(self.meta.input_dtype, np.float32)
        return {"intensity": self.buffer("nav", dtype=dtype)}

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the run's dtype."""
        self.results.intensity[:] += frame_sums(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Add up frames in the recorded dtype."""
        self.results.intensity[:] += frame_sums(tile)

    def process_encoded_tile(self, tile: EncodedTile) -> None:
        """Add up frames as they came."""
        self.results.intensity[:] += tile.frame_sums()


def run_sumsig(ctx: Any, dataset: Any) -> dict[str, BufferWrapper]:
    """Run `SumSigUDF` over a data set.

    Parameters
    ----------
    ctx : Context
        Who runs it.
    dataset : DataSet
        The frames.

    Returns
    -------
    dict of str to BufferWrapper
        ``intensity``.
    """
    results: dict[str, BufferWrapper] = ctx.run_udf(dataset=dataset, udf=SumSigUDF())
    return results
