"""MaskContainer: a stack of masks, made when first needed and kept ready for the kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from framefold.core.shape import Slice
from framefold.errors import ParameterError, nearest
from framefold.kernels.masks import PackedMasks

SPARSE_MODES = (
    "scipy.sparse",
    "scipy.sparse.csr",
    "scipy.sparse.csc",
    "sparse.pydata",
    "sparse.pydata.GCXS",
)

Factory = Callable[[], Any]


class MaskContainer:
    """Masks as dense arrays, from whatever users describe them by.

    Parameters
    ----------
    mask_factories : sequence of callables, callable, or array-like
        A callable for each mask, returning an array of the detector's shape; one callable
        returning all of them, shape (n,) + sig; or that stack itself, nested lists included.
        Arrays may be sparse (scipy, pydata): they are made dense.
    dtype : dtype-like, optional
        Cast all masks to this; the dtype they have together when left out.
    use_sparse : bool or str, optional
        Accepted and checked for UDF code that passes it; the arithmetic is dense.
    count : int, optional
        How many masks there are, so that ``len`` needs none of them.
    backend, default_sparse : object
        Accepted for UDF code that passes them; masks are numpy arrays.

    Raises
    ------
    ParameterError
        If ``use_sparse`` is unknown, or ``mask_factories`` is empty or not understood.
    """

    def __init__(
        self,
        mask_factories: Factory | Sequence[Factory] | ArrayLike,
        dtype: DTypeLike | None = None,
        use_sparse: bool | str | None = None,
        count: int | None = None,
        backend: str | None = None,  # noqa: ARG002
        default_sparse: str = "scipy.sparse",  # noqa: ARG002
    ) -> None:
        if isinstance(use_sparse, str) and use_sparse not in SPARSE_MODES:
            close = nearest(use_sparse, SPARSE_MODES)
            hint = f"; did you mean {close!r}?" if close else ""
            raise ParameterError(
                f"use_sparse={use_sparse!r} is unknown{hint} (known: None, True, False, "
                f"{', '.join(SPARSE_MODES)})"
            )
        self.mask_factories = _as_factories(mask_factories)
        self.use_sparse = False
        self._dtype = None if dtype is None else np.dtype(dtype)
        self._count = count
        self._masks: NDArray[Any] | None = None
        self._packed: dict[tuple[object, ...], PackedMasks] = {}

    def __getstate__(self) -> dict[str, Any]:
        # what is computed stays behind: factories are small, stacks are not
        return {**self.__dict__, "_masks": None, "_packed": {}}

    def forget(self) -> None:
        """Ask the factories again when masks are needed next."""
        self._masks = None
        self._packed = {}

    def __len__(self) -> int:
        if self._count is not None:
            return self._count
        if not callable(self.mask_factories):
            return len(self.mask_factories)
        return len(self.computed_masks)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the masks are made of; computes them if it was not given."""
        return self.computed_masks.dtype if self._dtype is None else self._dtype

    @property
    def computed_masks(self) -> NDArray[Any]:
        """All masks, shape (n,) + sig; read-only.

        Raises
        ------
        ParameterError
            If the masks differ in shape, or are not as many as was said.
        """
        if self._masks is None:
            stack = _as_stack(self.mask_factories)
            if self._count is not None and len(stack) != self._count:
                raise ParameterError(
                    f"mask_count={self._count}, but the factories made {len(stack)} masks"
                )
            if self._dtype is not None:
                stack = stack.astype(self._dtype)
            stack.flags.writeable = False
            self._masks = stack
        return self._masks

    def check_fits(self, sig_shape: tuple[int, ...]) -> None:
        """Refuse masks of another shape than the detector's, after which `get` is safe.

        Stacks with flat signal axes, as sparse ones have them, are given the detector's shape.

        Raises
        ------
        ParameterError
            Naming both shapes.
        """
        stack = self.computed_masks
        if stack.shape[1:] == sig_shape:
            return
        if stack.ndim == 2 and stack.shape[1] == math.prod(sig_shape):
            self._masks = stack.reshape(len(stack), *sig_shape)
            return
        raise ParameterError(
            f"masks have shape {stack.shape[1:]}, the detector has {sig_shape}; a mask factory "
            "must return an array of the detector's shape"
        )

    def get(
        self,
        key: Slice,
        dtype: DTypeLike | None = None,
        sparse_backend: str | None = None,  # noqa: ARG002
        transpose: bool = True,
        backend: str | None = None,  # noqa: ARG002
    ) -> NDArray[Any]:
        """The part of the masks that lies in a box.

        Parameters
        ----------
        key : Slice
            Its signal part counts.
        dtype : dtype-like, optional
            Cast to this.
        sparse_backend, backend : str, optional
            Accepted for UDF code that passes them; the answer is a numpy array.
        transpose : bool
            Whether pixels come first.

        Returns
        -------
        ndarray, shape (pixels, n), or (n, pixels) if not transposed

        Raises
        ------
        TypeError
            If ``key`` is not a Slice.
        """
        if not isinstance(key, Slice):
            raise TypeError(f"MaskContainer.get takes a Slice, not {type(key).__name__}")
        return self.get_for_sig_slice(key.sig, dtype, transpose=transpose)

    def get_for_sig_slice(
        self,
        sig_slice: Slice,
        dtype: DTypeLike | None = None,
        sparse_backend: str | None = None,  # noqa: ARG002
        transpose: bool = True,
        backend: str | None = None,  # noqa: ARG002
    ) -> NDArray[Any]:
        """The part of the masks that lies in a box of signal axes; otherwise as `get`."""
        part = self._flat_part(sig_slice)
        if dtype is not None:
            part = part.astype(dtype)
        return part.T if transpose else part

    def get_for_idx(self, scheme: Any, idx: int, *args: Any, **kwargs: Any) -> NDArray[Any]:
        """The part of the masks in cell ``idx`` of a tiling scheme; otherwise as `get`."""
        return self.get_for_sig_slice(scheme[idx], *args, **kwargs)

    def packed(self, sig_slice: Slice, dtype: np.dtype[Any]) -> PackedMasks:
        """The masks in a box of signal axes, ready for frames of ``dtype``."""
        key = (tuple(sig_slice.origin), tuple(sig_slice.shape), dtype)
        found = self._packed.get(key)
        if found is None:
            found = self._packed[key] = PackedMasks(self._flat_part(sig_slice), dtype)
        return found

    def _flat_part(self, sig_slice: Slice) -> NDArray[Any]:
        stack = self.computed_masks
        part = stack[sig_slice.get(sig_only=True)]
        flat: NDArray[Any] = part.reshape(len(part), math.prod(part.shape[1:]))
        return flat


def _as_factories(given: Any) -> Factory | tuple[Factory, ...] | NDArray[Any]:
    if callable(given):
        return given  # type: ignore[no-any-return]
    if hasattr(given, "ndim"):
        return _dense(given)
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes)):
        raise ParameterError(
            f"mask_factories={given!r} is not understood; give masks, or functions that return them"
        )
    members = tuple(given)
    if not members:
        raise ParameterError("mask_factories is empty; give at least one mask")
    if all(callable(m) for m in members):
        return members
    if any(callable(m) for m in members):
        raise ParameterError("mask_factories mixes functions and arrays; give one or the other")
    return _stacked([_dense(m) for m in members])


def _as_stack(factories: Any) -> NDArray[Any]:
    if callable(factories):
        made = factories()
        if not hasattr(made, "ndim"):
            made = _stacked([_dense(m) for m in made])
        stack = _dense(made)
        if stack.ndim < 2:
            raise ParameterError(
                f"the mask factory made an array of shape {stack.shape}; one factory for all masks "
                "must return a stack, shape (n,) + sig; put it in a list if it makes one mask"
            )
        return stack.copy()
    if isinstance(factories, tuple):
        return _stacked([_dense(factory()) for factory in factories])
    return np.array(factories)


def _stacked(masks: list[NDArray[Any]]) -> NDArray[Any]:
    shapes = sorted({mask.shape for mask in masks})
    if len(shapes) > 1:
        raise ParameterError(f"all masks must have the same shape, these have {shapes}")
    return np.stack(masks)


def _dense(mask: Any) -> NDArray[Any]:
    for densify in ("toarray", "todense"):  # scipy, pydata
        if hasattr(mask, densify):
            mask = getattr(mask, densify)()
    array = np.asarray(mask)
    if array.dtype.kind not in "buifc":
        raise ParameterError(f"a mask must be an array of numbers, this is {array.dtype}")
    return array
