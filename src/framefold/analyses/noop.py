"""NoOpUDF: reads every frame and does nothing with it."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike, NDArray

from framefold.analyses.numbers import check_dtype
from framefold.udf import UDF, BufferWrapper


class NoOpUDF(UDF):
    """Have all frames read and decoded, and nothing else: how fast the rest is.

    There are no results.

    Parameters
    ----------
    preferred_input_dtype : dtype-like
        The least precise dtype to convert frames to; as recorded when left out.

    Raises
    ------
    ParameterError
        If ``preferred_input_dtype`` is not a numeric dtype.
    """

    TAKES_HOLES = True

    def __init__(self, preferred_input_dtype: DTypeLike = UDF.USE_NATIVE_DTYPE) -> None:
        check_dtype("preferred_input_dtype", preferred_input_dtype)
        super().__init__(preferred_input_dtype=preferred_input_dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        """What the constructor was given."""
        preferred: DTypeLike = self.params.preferred_input_dtype
        return preferred

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """None."""
        return {}

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Nothing."""

    def merge(self, dest: Any, src: Any) -> None:
        """Nothing."""
