"""SignalMonitorUDF and PartitionMonitorUDF: the newest frame, and the newest few together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.analyses.numbers import check_dtype
from framefold.analyses.tiles import frame_dtype
from framefold.kernels.rows import accumulator_dtype
from framefold.kernels.sums import add_frames
from framefold.udf import UDF, BufferWrapper


class _NewestUDF(UDF):
    """Keeps what came from the furthest part of the scan, whatever was merged last."""

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``newest`` and its place, for us."""
        return {
            "newest": self.buffer("sig", dtype=self._kept_dtype(), use="private"),
            # one behind the last selected position in it; 0: nothing yet
            "until": self.buffer("single", dtype=np.int64, use="private"),
        }

    def _kept_dtype(self) -> np.dtype[Any]:
        raise NotImplementedError

    def _note_place(self) -> None:
        here = self.meta.slice
        assert here is not None
        self.results.until[:] = here.origin[0] + here.shape[0]

    def merge(self, dest: Any, src: Any) -> None:
        """Keep the partition that lies further on: the order of merging must not show."""
        if src.until[0] > dest.until[0]:
            dest.until[:] = src.until
            dest.newest[:] = src.newest


class SignalMonitorUDF(_NewestUDF):
    """Show the newest frame: of those that are merged, the one furthest on in the scan.

    Result ``intensity``: one value a pixel, in the recorded dtype unless another UDF of the run
    asks for a wider one; not valid as long as there is no frame.
    """

    def __init__(self) -> None:
        super().__init__()

    def get_preferred_input_dtype(self) -> DTypeLike:
        """As recorded."""
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity`` for the user."""
        dtype = self.meta.input_dtype
        return {
            **super().get_result_buffers(),
            "intensity": self.buffer("sig", dtype=dtype, use="result_only"),
        }

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Keep the last frame."""
        self.results.newest[:] = tile[-1]
        self._note_place()

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Keep the last frame, as recorded."""
        self.process_tile(tile)

    def get_results(self) -> dict[str, Any]:
        """The newest frame."""
        return {"intensity": self.with_mask(self.results.newest, self.results.until[0] > 0)}

    def _kept_dtype(self) -> np.dtype[Any]:
        return self.meta.input_dtype


class PartitionMonitorUDF(_NewestUDF):
    """Show the sum of the newest partition: less noise than one frame, newer than the whole sum.

    How many frames a partition has is decided by the run; the partition furthest on in the scan
    counts as the newest.

    Result ``intensity``: one value a pixel, of the dtype in which this run's UDFs get their
    frames; not valid as long as there is no frame.

    Parameters
    ----------
    dtype : dtype-like
        The least precise dtype the result may have.

    Raises
    ------
    ParameterError
        If ``dtype`` is not a numeric dtype.
    """

    def __init__(self, dtype: DTypeLike = "float32") -> None:
        check_dtype("dtype", dtype)
        super().__init__(dtype=dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        """What the constructor was given."""
        dtype: np.dtype[Any] = np.dtype(self.params.dtype)
        return dtype

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity`` for the user."""
        dtype = self.meta.input_dtype
        return {
            **super().get_result_buffers(),
            "intensity": self.buffer("sig", dtype=dtype, use="result_only"),
        }

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Add frames in the run's dtype."""
        add_frames(tile, self.results.newest)
        self._note_place()

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Add frames in the recorded dtype."""
        self.process_tile(tile)

    def get_results(self) -> dict[str, Any]:
        """The newest sum, rounded once."""
        newest = self.results.newest.astype(self.meta.input_dtype)
        return {"intensity": self.with_mask(newest, self.results.until[0] > 0)}

    def _kept_dtype(self) -> np.dtype[Any]:
        return accumulator_dtype(frame_dtype(self))
