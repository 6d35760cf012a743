"""SumUDF: the sum of all frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.analyses.numbers import check_dtype
from framefold.core.encoded_tile import EncodedTile
from framefold.kernels.rows import accumulator_dtype
from framefold.kernels.sums import add_frames
from framefold.udf import UDF, BufferWrapper
from framefold.udf.spec import takes_native_tiles


class SumUDF(UDF):
    """Add up all frames, pixel by pixel.

    Sums are kept in 64 bit and rounded to the result's dtype only when they are asked for, so
    integer frames give exact counts, whatever the number of frames and the order they came in.
    Sums of float frames are kept in float64; scans cut into other partitions may differ there in
    the last bit.

    Result ``intensity``: one value a pixel, of the dtype in which this run's UDFs get their frames:
    float32 for integers up to 16 bit unless ``dtype`` or another UDF asks for more.

    Parameters
    ----------
    dtype : dtype-like
        The least precise dtype the result may have. float32 holds counts up to 2**24 exactly;
        say float64 to see larger ones to the last count. Integer results wrap around where counts
        do not fit.

    Raises
    ------
    ParameterError
        If ``dtype`` is not a numeric dtype.
    """

    TAKES_HOLES = True

    def __init__(self, dtype: DTypeLike = "float32") -> None:
        check_dtype("dtype", dtype)
        super().__init__(dtype=dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        """What the constructor was given."""
        dtype: np.dtype[Any] = np.dtype(self.params.dtype)
        return dtype

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity`` for the user; ``total``, wide, for us."""
        if takes_native_tiles(type(self)):
            wide = accumulator_dtype(self.meta.tile_dtype)
        else:  # a subclass adds up what it made of frames in input_dtype: may have fractions
            wide = accumulator_dtype(np.result_type(self.meta.input_dtype, np.float32))
        return {
            "intensity": self.buffer("sig", dtype=self.meta.input_dtype, use="result_only"),
            "total": self.buffer("sig", dtype=wide, use="private"),
        }

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Add frames in the run's dtype."""
        add_frames(tile, self.results.total)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Add frames in the recorded dtype."""
        add_frames(tile, self.results.total)

    def process_encoded_tile(self, tile: EncodedTile) -> None:
        """Add frames as they came."""
        tile.add_frames(self.results.total)

    def merge(self, dest: Any, src: Any) -> None:
        """Add one partition's sums."""
        dest.total[:] += src.total

    def merge_all(self, ordered_results: Any) -> dict[str, NDArray[Any]]:
        """All partitions' sums at once."""
        return {"total": np.sum([part.total for part in ordered_results.values()], axis=0)}

    def get_results(self) -> dict[str, Any]:
        """The sums so far, rounded once."""
        return {"intensity": self.results.total.astype(self.meta.input_dtype)}
