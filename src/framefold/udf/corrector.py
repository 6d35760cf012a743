"""Corrector: corrects each tile of a run once, before any UDF sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.corrections import CorrectionSet, corrected_dtype
from framefold.registry import load_target


class Corrector:
    """Corrects tiles into memory of its own, which is used again for the next.

    Parameters
    ----------
    corrections : CorrectionSet
        What is done.
    dtype : numpy.dtype
        Type of raw pixels.
    sig_shape : tuple of int
        Shape of the detector.
    """

    def __init__(
        self, corrections: CorrectionSet, dtype: np.dtype[Any], sig_shape: tuple[int, ...]
    ) -> None:
        corrections.check_fits(sig_shape)
        self.dtype = corrected_dtype(dtype)
        # late, since it brings the compiler, which the main side has no use for
        self._correct = load_target("framefold.kernels.corrections:correct_tile")
        self._dark = self._flat(corrections.get_dark_frame())
        self._gain = self._flat(corrections.get_gain_map())
        repairs = corrections.repairs
        self._repairs = (
            None if repairs is None else (repairs.excluded, repairs.neighbours, repairs.counts)
        )
        self._corrected: NDArray[Any] = np.empty((0, *sig_shape), self.dtype)

    def _flat(self, array: NDArray[Any] | None) -> NDArray[Any]:
        kept = np.empty(0) if array is None else array.reshape(-1)
        return np.ascontiguousarray(kept, dtype=self.dtype)

    def apply(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Correct a tile.

        Parameters
        ----------
        raw : ndarray, shape (frames,) + sig_shape
            Raw frames in machine byte order.

        Returns
        -------
        ndarray, shape (frames,) + sig_shape
            Valid until the next call.
        """
        count = len(raw)
        if count > len(self._corrected):
            self._corrected = np.empty(raw.shape, self.dtype)
        corrected = self._corrected[:count]
        self._correct(raw, self._dark, self._gain, self._repairs, corrected)
        return corrected
