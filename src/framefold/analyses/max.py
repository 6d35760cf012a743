"""MaxUDF: the largest value of each pixel, or of each frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.errors import ParameterError, nearest
from framefold.udf import UDF, BufferWrapper

KINDS = ("sig", "nav")


class MaxUDF(UDF):
    """Find the largest value that each pixel had in any frame, or each frame in any pixel.

    Result ``intensity``: one value a pixel, or a position, in the recorded dtype unless another
    UDF of the run asks for a wider one. Where a pixel was NaN the result is. Pixels are not valid
    as long as there is no frame.

    Parameters
    ----------
    kind : str
        ``"sig"``: over all frames, pixel by pixel; ``"nav"``: over all pixels, frame by frame.

    Raises
    ------
    ParameterError
        If ``kind`` is unknown; when the run begins, if the frames are complex.
    """

    TAKES_HOLES = True

    def __init__(self, kind: str = "sig") -> None:
        if kind not in KINDS:
            close = nearest(str(kind), KINDS)
            hint = f"; did you mean {close!r}?" if close else ""
            raise ParameterError(f"kind={kind!r} is unknown{hint} (known: {', '.join(KINDS)})")
        super().__init__(kind=kind)

    def get_preferred_input_dtype(self) -> DTypeLike:
        """As recorded."""
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity`` for the user; ``maximum`` and ``num_frames`` for us."""
        kind, dtype = self.params.kind, self.meta.input_dtype
        if dtype.kind == "c":
            raise ParameterError(f"frames of {dtype} have no largest value; take magnitudes first")
        return {
            "intensity": self.buffer(kind, dtype=dtype, use="result_only"),
            "maximum": self.buffer(kind, dtype=dtype, use="private"),
            "num_frames": self.buffer("single", dtype=np.int64, use="private"),
        }

    def preprocess(self) -> None:
        """Begin below everything."""
        self.results.maximum[:] = _lowest(self.meta.input_dtype)

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Take in frames in the run's dtype."""
        self._take_in(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Take in frames in the recorded dtype."""
        self._take_in(tile)

    def merge(self, dest: Any, src: Any) -> None:
        """Take in one partition."""
        if self.params.kind == "sig":
            np.maximum(dest.maximum, src.maximum, out=dest.maximum)
        else:
            dest.maximum[:] = src.maximum
        dest.num_frames[:] += src.num_frames

    def get_results(self) -> dict[str, Any]:
        """The largest values so far; 0 where there is no frame."""
        if self.params.kind == "sig":
            there = self.results.num_frames[0] > 0
            found = self.results.maximum if there else np.zeros_like(self.results.maximum)
            return {"intensity": self.with_mask(found, there)}
        valid = self.meta.get_valid_nav_mask()
        if valid is None:
            valid = np.zeros(len(self.results.maximum), np.bool_)
        return {"intensity": np.where(valid, self.results.maximum, 0).astype(self.meta.input_dtype)}

    def _take_in(self, tile: NDArray[Any]) -> None:
        found = self.results.maximum
        if self.params.kind == "sig":
            for frame in tile:
                np.maximum(found, frame, out=found)
        else:
            pixels = tile.reshape(len(tile), -1)
            np.maximum(found, pixels.max(axis=1), out=found)
        self.results.num_frames[:] += len(tile)


def _lowest(dtype: np.dtype[Any]) -> Any:
    """What is above nothing else of this dtype."""
    if dtype.kind == "b":
        return False
    return np.iinfo(dtype).min if dtype.kind in "ui" else -np.inf
