"""PickUDF: the selected frames themselves."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.udf import UDF, BufferWrapper

log = logging.getLogger(__name__)

_LARGE_BYTES = 256 << 20


class PickUDF(UDF):
    """Hand over the frames at the positions selected by ``roi``.

    Result ``intensity``: the frames in C order of their positions, shape (selected,) + sig, in the
    recorded dtype unless another UDF of the run asks for a wider one. Frames that have not come
    are zero.
    """

    def __init__(self) -> None:
        super().__init__()

    def get_preferred_input_dtype(self) -> DTypeLike:
        """As recorded."""
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity`` for the user; ``frames``, by position, for us."""
        sig = tuple(self.meta.dataset_shape.sig)
        dtype = self.meta.input_dtype
        return {
            "intensity": self.buffer("single", (self._selected(), *sig), dtype, use="result_only"),
            "frames": self.buffer("nav", sig, dtype, use="private"),
        }

    def preprocess(self) -> None:
        """Warn, once a run, of a result that will fill the memory."""
        if self.meta.slice is not None:  # in a worker
            return
        pixels = math.prod(self.meta.dataset_shape.sig)
        n_bytes = self._selected() * pixels * self.meta.input_dtype.itemsize
        if n_bytes > _LARGE_BYTES:
            log.warning(
                "picking many frames frames=%d bytes=%d; pass a roi for fewer",
                self._selected(),
                n_bytes,
            )

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Keep frames in the run's dtype."""
        self._keep(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Keep frames in the recorded dtype."""
        self._keep(tile)

    def get_results(self) -> dict[str, Any]:
        """The frames so far."""
        return {"intensity": self.results.frames}

    def _keep(self, tile: NDArray[Any]) -> None:
        origin, shape = self.meta.sig_slice.origin, tuple(self.meta.sig_slice.shape)
        part = tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))
        self.results.frames[(slice(None), *part)] = tile

    def _selected(self) -> int:
        if self.meta.roi is None:
            return math.prod(self.meta.dataset_shape.nav)
        return int(np.count_nonzero(self.meta.roi))
