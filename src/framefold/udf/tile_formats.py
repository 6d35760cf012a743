"""TileFormats: one tile in every pixel type and array library that UDFs of a run want."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf import backends
from framefold.udf.bound_udf import Note, unnoted


class TileFormats:
    """Converts a tile when it is first asked for, once, into memory that is used again.

    Parameters
    ----------
    dtype : numpy.dtype
        Pixel type that UDFs get.
    note : callable
        Told how long each conversion took [ns].
    """

    def __init__(self, dtype: np.dtype[Any], note: Note = unnoted) -> None:
        self._dtype = dtype
        self._note = note
        self._memory = np.empty(0, dtype)
        self._given: NDArray[Any] = self._memory
        self._found: dict[str, Any] = {}

    def load(self, tile: NDArray[Any]) -> None:
        """Exchange the tile; what came of the one before is not valid any longer.

        Parameters
        ----------
        tile : ndarray, shape (depth,) + sig part
            In the recorded (or corrected) type.
        """
        self._given = tile
        self._found.clear()

    def get(self, backend: str) -> Any:
        """The tile in the pixel type of UDFs and a format.

        Parameters
        ----------
        backend : str
            Name of the array library.

        Returns
        -------
        array
            Dense ones are C-contiguous and read-only.
        """
        found = self._found.get(backend)
        if found is None:
            began = perf_counter_ns()
            found = self._dense()
            if backend != backends.NUMPY:
                found = backends.converted(self._found.setdefault(backends.NUMPY, found), backend)
            self._found[backend] = found
            self._note("convert", perf_counter_ns() - began)
        return found

    def _dense(self) -> NDArray[Any]:
        given = self._given
        if given.dtype == self._dtype and given.flags.c_contiguous:
            return given
        if self._memory.size < given.size:
            self._memory = np.empty(given.size, self._dtype)
        dense = self._memory[: given.size].reshape(given.shape)
        np.copyto(dense, given, casting="same_kind")
        dense.flags.writeable = False
        return dense
