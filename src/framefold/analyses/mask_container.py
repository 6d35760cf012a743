"""MaskContainer: a stack of masks, made when first needed and kept ready for the kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from framefold.analyses.mask_sources import Factory, as_factories, as_stack, check_mode
from framefold.analyses.sparse_stack import SparseStack
from framefold.core.shape import Slice
from framefold.errors import ParameterError
from framefold.kernels.masks import PackedMasks
from framefold.kernels.sparse_masks import SparseMasks


class MaskContainer:
    """Masks as arrays, dense or sparse, from whatever users describe them by.

    Parameters
    ----------
    mask_factories : sequence of callables, callable, or array-like
        A callable for each mask, returning an array of the detector's shape; one callable
        returning all of them, shape (n,) + sig; or that stack itself, nested lists included.
        Arrays may be sparse (scipy.sparse, pydata/sparse).
    dtype : dtype-like, optional
        Cast all masks to this; the dtype they have together when left out.
    use_sparse : bool or str, optional
        Whether only weights that are not zero are kept and multiplied: True, False, or in which
        form `get` hands them out (one of ``SPARSE_MODES``). When left out they are sparse if every
        mask was given so.
    count : int, optional
        How many masks there are, so that ``len`` needs none of them.
    backend : object
        Accepted for UDF code that passes it; masks are in host memory.
    default_sparse : str
        What True, and None with sparse masks, stand for.

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
        default_sparse: str = "scipy.sparse",
    ) -> None:
        for name, mode in (("use_sparse", use_sparse), ("default_sparse", default_sparse)):
            check_mode(name, mode)
        self.mask_factories = as_factories(mask_factories)
        self._use_sparse = default_sparse if use_sparse is True else use_sparse
        self._default_sparse = default_sparse
        self._dtype = None if dtype is None else np.dtype(dtype)
        self._count = count
        self._masks: NDArray[Any] | SparseStack | None = None
        self._ready: dict[tuple[object, ...], Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        # what is computed stays behind: factories are small, stacks are not
        return {**self.__dict__, "_masks": None, "_ready": {}}

    def forget(self) -> None:
        """Ask the factories again when masks are needed next."""
        self._masks = None
        self._ready = {}

    def __len__(self) -> int:
        if self._count is not None:
            return self._count
        if isinstance(self.mask_factories, (tuple, list)):
            return len(self.mask_factories)
        return len(self._stack())

    @property
    def given_bytes(self) -> int:
        """Size of the arrays that were given instead of factories, and travel to workers."""
        given = self.mask_factories
        if callable(given) or isinstance(given, tuple):
            return 0
        arrays = given if isinstance(given, list) else [given]
        return sum(int(getattr(array, "nbytes", 0)) for array in arrays)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the masks are made of; computes them if it was not given."""
        return self._stack().dtype if self._dtype is None else self._dtype

    @property
    def use_sparse(self) -> str | bool:
        """False, or in which form `get` hands masks out; computes them if it was not given."""
        if self._use_sparse is None:
            return self._default_sparse if isinstance(self._stack(), SparseStack) else False
        return self._use_sparse

    @property
    def computed_masks(self) -> Any:
        """All masks, shape (n,) + sig: a read-only array, or a ``sparse.COO`` if sparse.

        Raises
        ------
        ParameterError
            If the masks differ in shape, or are not as many as was said.
        ImportError
            If they are sparse and the package sparse is not there.
        """
        stack = self._stack()
        return stack.as_pydata() if isinstance(stack, SparseStack) else stack

    def _stack(self) -> NDArray[Any] | SparseStack:
        if self._masks is None:
            stack = as_stack(self.mask_factories, self._use_sparse)
            if self._count is not None and len(stack) != self._count:
                raise ParameterError(
                    f"mask_count={self._count}, but the factories made {len(stack)} masks"
                )
            if self._dtype is not None:
                stack = stack.astype(self._dtype)
            if not isinstance(stack, SparseStack):
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
        stack = self._stack()
        if stack.shape[1:] == sig_shape:
            return
        if len(stack.shape) == 2 and stack.shape[1] == math.prod(sig_shape):
            if isinstance(stack, SparseStack):
                self._masks = stack.reshaped(sig_shape)
            else:
                self._masks = stack.reshape(len(stack), *sig_shape)
            return
        alone = "; put a single mask in a list" if stack.shape == sig_shape else ""
        raise ParameterError(
            f"masks have shape {stack.shape[1:]}, the detector has {sig_shape}; a mask factory "
            f"must return an array of the detector's shape{alone}"
        )

    def get(
        self,
        key: Slice,
        dtype: DTypeLike | None = None,
        sparse_backend: str | bool | None = None,
        transpose: bool = True,
        backend: str | None = None,
    ) -> Any:
        """The part of the masks that lies in a box.

        Parameters
        ----------
        key : Slice
            Its signal part counts.
        dtype : dtype-like, optional
            Cast to this.
        sparse_backend : str or False, optional
            One of ``SPARSE_MODES``, or False for a dense array; as `use_sparse` says when left out.
        transpose : bool
            Whether pixels come first.
        backend : str, optional
            Accepted for UDF code that passes it; masks are in host memory.

        Returns
        -------
        ndarray, scipy.sparse matrix or pydata/sparse array
            Shape (pixels, n), or (n, pixels) if not transposed. Kept for the next time: not to be
            changed.

        Raises
        ------
        TypeError
            If ``key`` is not a Slice.
        ParameterError
            If ``sparse_backend`` is unknown.
        """
        if not isinstance(key, Slice):
            raise TypeError(f"MaskContainer.get takes a Slice, not {type(key).__name__}")
        return self.get_for_sig_slice(key.sig, dtype, sparse_backend, transpose, backend)

    get_masks_for_slice = get
    """`get`, under the name that older UDFs call it by."""

    def get_for_sig_slice(
        self,
        sig_slice: Slice,
        dtype: DTypeLike | None = None,
        sparse_backend: str | bool | None = None,
        transpose: bool = True,
        backend: str | None = None,  # noqa: ARG002
    ) -> Any:
        """The part of the masks that lies in a box of signal axes; otherwise as `get`."""
        check_mode("sparse_backend", sparse_backend)
        mode = self.use_sparse if sparse_backend in (None, True) else sparse_backend
        wanted = self.dtype if dtype is None else np.dtype(dtype)
        key = (tuple(sig_slice.origin), tuple(sig_slice.shape), wanted, mode, transpose)
        if key not in self._ready:
            part = self._part(sig_slice)
            if mode:
                sparse = part if isinstance(part, SparseStack) else SparseStack.of(part)
                self._ready[key] = sparse.astype(wanted).matrix(str(mode), transpose=transpose)
            else:
                dense = part.dense() if isinstance(part, SparseStack) else part
                flat = dense.reshape(len(dense), math.prod(dense.shape[1:])).astype(wanted)
                self._ready[key] = flat.T if transpose else flat
        return self._ready[key]

    def get_for_idx(self, scheme: Any, idx: int, *args: Any, **kwargs: Any) -> Any:
        """The part of the masks in cell ``idx`` of a tiling scheme; otherwise as `get`."""
        return self.get_for_sig_slice(scheme[idx], *args, **kwargs)

    def packed(
        self, sig_slice: Slice, dtype: np.dtype[Any], weights: np.dtype[Any] | None = None
    ) -> PackedMasks | SparseMasks:
        """The masks in a box of signal axes, cast to ``weights``, ready for frames of ``dtype``."""
        key = (tuple(sig_slice.origin), tuple(sig_slice.shape), dtype, weights)
        if key not in self._ready:
            stack, part = self._stack(), self._part(sig_slice)
            if weights is not None and weights != part.dtype:
                part = part.astype(weights)
            if not isinstance(part, SparseStack):
                self._ready[key] = PackedMasks(part, dtype)
            elif isinstance(stack, SparseStack) and stack.is_crowded:  # quicker dense
                self._ready[key] = PackedMasks(part.dense(), dtype)
            else:
                self._ready[key] = part.packed(dtype)
        found: PackedMasks | SparseMasks = self._ready[key]
        return found

    def _part(self, sig_slice: Slice) -> NDArray[Any] | SparseStack:
        stack = self._stack()
        if isinstance(stack, SparseStack):
            return stack.cut(sig_slice)
        return sig_slice.get(stack, sig_only=True)
