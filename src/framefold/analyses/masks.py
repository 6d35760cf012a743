"""ApplyMasksUDF: dot products of every frame with a stack of masks."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.analyses.mask_container import MaskContainer
from framefold.analyses.mask_engine import ApplyMasksEngine
from framefold.analyses.numbers import check_dtype
from framefold.analyses.shifts import as_shifts, check_axes
from framefold.errors import ParameterError
from framefold.udf import UDF, BufferWrapper

log = logging.getLogger(__name__)

_LARGE_BYTES = 1 << 20


class ApplyMasksUDF(UDF):
    """Multiply every frame with each mask and add up: virtual detectors of any shape and weight.

    Result ``intensity``: one value a position and mask, of ``result_type(frames, masks)``. Integer
    frames with bool or integer masks are added up exactly and rounded once; else products are
    summed in blocks of 2048 pixels in the result's precision and the blocks in float64. What a
    frame gives depends on that frame alone, to the last bit.

    Parameters
    ----------
    mask_factories : sequence of callables, callable, or array-like
        A callable for each mask, returning an array of the detector's shape; one callable
        returning all of them, shape (n,) + sig; or that stack itself (nested lists in a
        configuration). Called in the workers, once a run; on the main side only when
        ``mask_count`` or ``mask_dtype`` is left out.
    use_torch : bool
        Accepted for UDF code that passes it; without effect.
    use_sparse : bool or str, optional
        Whether masks are kept as their weights that are not zero: True, False, or one of the modes
        of `MaskContainer`. When left out they are if every factory returns a sparse array. If most
        weights are zero only the others are multiplied, and summed in float64.
    mask_count : int, optional
        How many masks there are.
    mask_dtype : dtype-like, optional
        Cast the masks to this: float32 keeps float64 masks from widening the result.
    preferred_dtype : dtype-like, optional
        The least precise dtype of frames; float32 when left out.
    backends : iterable of str, optional
        Array libraries to choose from; numpy must be among them.
    shifts : sequence of two numbers, array-like of shape nav + (2,), or aux data of kind nav
        How far to move the masks over the frame, dy and dx [pixels], for all frames or for each
        position; positive is down and to the right. Fractions are cut off; what is moved beyond
        the detector does not count. Not with ``use_sparse="scipy.sparse..."``.

    Raises
    ------
    ParameterError
        If a parameter does not fit; when the run begins also if the masks do not fit the detector.
    ShapeError
        When the run begins, if there are shifts and frames have other than two axes.
    """

    TAKES_HOLES = True

    def __init__(
        self,
        mask_factories: Any,
        use_torch: bool = True,
        use_sparse: bool | str | None = None,
        mask_count: int | None = None,
        mask_dtype: DTypeLike | None = None,
        preferred_dtype: DTypeLike | None = None,
        backends: str | Iterable[str] | None = None,
        shifts: Any = None,
        **kwargs: Any,
    ) -> None:
        shifts = as_shifts(shifts)
        if shifts is not None and str(use_sparse).startswith("scipy.sparse"):
            raise ParameterError(
                f"use_sparse={use_sparse!r} does not go with shifts; say 'sparse.pydata'"
            )
        for name, dtype in (("mask_dtype", mask_dtype), ("preferred_dtype", preferred_dtype)):
            if dtype is not None:
                check_dtype(name, dtype)
        if backends is not None:
            wanted = (backends,) if isinstance(backends, str) else tuple(backends)
            if self.BACKEND_NUMPY not in wanted:
                raise ParameterError(
                    f"backends={wanted} leaves none; {self.BACKEND_NUMPY!r} is here"
                )
        # the container, not the factories, is kept: a worker's partitions then share its masks
        if not isinstance(mask_factories, MaskContainer):
            mask_factories = MaskContainer(
                mask_factories,
                mask_dtype,
                use_sparse,
                mask_count,
                default_sparse="scipy.sparse" if shifts is None else "sparse.pydata",
            )
        super().__init__(
            mask_factories=mask_factories,
            use_torch=use_torch,
            use_sparse=use_sparse,
            mask_count=mask_count,
            mask_dtype=mask_dtype,
            preferred_dtype=preferred_dtype,
            backends=backends,
            shifts=shifts,
            **kwargs,
        )

    @property
    def masks(self) -> MaskContainer:
        """The masks of this UDF."""
        given = self.params.mask_factories
        if isinstance(given, MaskContainer):
            return given
        # exchanged while running, on the main side, where no constructor saw it
        use_sparse, count = self.params.use_sparse, self.params.mask_count
        return MaskContainer(given, self.params.mask_dtype, use_sparse, count)

    def get_preferred_input_dtype(self) -> DTypeLike:
        """``preferred_dtype``, or float32."""
        preferred: DTypeLike | None = self.params.preferred_dtype
        return np.float32 if preferred is None else preferred

    def get_result_buffers(self) -> dict[str, BufferWrapper]:
        """``intensity``; also where shifts over a detector without rows are refused."""
        if self.params.shifts is not None:
            check_axes(tuple(self.meta.dataset_shape.sig))
        dtype = np.result_type(self.meta.input_dtype, self.masks.dtype)
        return {"intensity": self.buffer("nav", (len(self.masks),), dtype)}

    def preprocess(self) -> None:
        """Main side: make the masks anew for this run. Workers: see that they fit the detector."""
        if self.meta.slice is not None:
            self.masks.check_fits(tuple(self.meta.dataset_shape.sig))
            return
        self.masks.forget()
        n_bytes = self.masks.given_bytes
        if n_bytes > _LARGE_BYTES:
            log.warning(
                "masks are sent to each worker bytes=%d; give functions that make them there",
                n_bytes,
            )

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Multiply frames in the run's dtype."""
        self._multiply(tile)

    def process_native_tile(self, tile: NDArray[Any]) -> None:
        """Multiply frames in the recorded dtype."""
        self._multiply(tile)

    def _multiply(self, tile: NDArray[Any]) -> None:
        engine = ApplyMasksEngine(self.masks, self.meta)
        shifts = self.params.shifts
        found = (
            engine.process_tile(tile)
            if shifts is None
            else engine.process_tile_shifted(tile, shifts)
        )
        target = self.results.intensity
        # "unsafe": exact int64 sums into the declared dtype, which users may have wanted narrow
        np.add(target, found, out=target, casting="unsafe")
