"""ApplyMasksEngine: dot products of tiles with masks, for UDFs of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.analyses.mask_container import MaskContainer
from framefold.analyses.shifts import move_back
from framefold.core.shape import Slice
from framefold.kernels.masks import PackedMasks
from framefold.kernels.sparse_masks import SparseMasks
from framefold.udf import UDFMeta


class ApplyMasksEngine:
    """Multiplies whatever part of the detector a tile shows with that part of the masks.

    Parameters
    ----------
    masks : MaskContainer
        The masks; its `MaskContainer.check_fits` should have been called.
    meta : UDFMeta
        Says which part tiles show.
    use_torch : bool
        Accepted for UDF code that passes it; without effect.
    """

    def __init__(self, masks: MaskContainer, meta: UDFMeta, use_torch: bool = True) -> None:  # noqa: ARG002
        self.masks = masks
        self.meta = meta

    def process_tile(self, tile: NDArray[Any]) -> NDArray[Any]:
        """The products of a tile.

        Parameters
        ----------
        tile : ndarray, shape (n,) + sig part
            As it came to the UDF.

        Returns
        -------
        ndarray of int64, float64 or complex128, shape (n, masks)
            To be added up over the parts of the detector.
        """
        return self._packed(self.meta.sig_slice, tile.dtype).apply(tile)

    def process_tile_shifted(self, tile: NDArray[Any], shifts: ArrayLike) -> NDArray[Any]:
        """The products of a tile with masks that are moved over it.

        Parameters
        ----------
        tile : ndarray, shape (n,) + sig part
            As it came to the UDF.
        shifts : array-like, shape (2,) or (n, 2)
            By how much, dy and dx [pixels]; positive is down and to the right.

        Returns
        -------
        ndarray, shape (n, masks)
        """
        sig = self.meta.dataset_shape.sig
        # moving the frame back is moving the masks on
        back = move_back(tile, tuple(self.meta.sig_slice.origin), tuple(sig), shifts)
        return self._packed(Slice((0,) * len(sig), sig), back.dtype).apply(back)

    def process_frame_shifted(self, frame: NDArray[Any], shifts: ArrayLike) -> NDArray[Any]:
        """The products of one whole frame, shape sig, with masks moved over it, shape (masks,)."""
        products: NDArray[Any] = self.process_tile_shifted(frame[None], shifts)[0]
        return products

    def _packed(self, box: Slice, dtype: np.dtype[Any]) -> PackedMasks | SparseMasks:
        weights = _precise(self.masks.dtype, dtype, self.meta.input_dtype)
        return self.masks.packed(box, dtype, weights)


def _precise(masks: np.dtype[Any], frames: np.dtype[Any], run: np.dtype[Any]) -> np.dtype[Any]:
    """What masks must be for products as precise as the run's, though its native tiles are not."""
    if frames.kind in "bui" and masks.kind in "bui":
        return masks  # exact anyhow
    double = (np.dtype(np.float64), np.dtype(np.complex128))
    if np.result_type(masks, run) in double and np.result_type(masks, frames) not in double:
        return np.result_type(masks, np.float64)
    return masks
