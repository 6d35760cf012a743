"""SparseStack: a stack of masks by its weights that are not zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.shape import Slice
from framefold.errors import ParameterError
from framefold.kernels.sparse_masks import SparseMasks

SPARSE_MODES = (
    "scipy.sparse",
    "scipy.sparse.csr",
    "scipy.sparse.csc",
    "sparse.pydata",
    "sparse.pydata.GCXS",
)

# Fetching a pixel by its number takes about 1 ns, multiplying all of them in order 1/25 to 1/15
# of that per pixel and mask (measured on 256x256 uint16 with 1 to 100 masks, November 2026).
_CROWD = 20
_LARGEST_DENSE = 1 << 28  # bytes: beyond, memory counts for more than speed


def is_sparse(mask: Any) -> bool:
    """Whether this is an array of scipy.sparse or pydata/sparse."""
    return not isinstance(mask, np.ndarray) and (
        hasattr(mask, "tocoo") or hasattr(mask, "to_coo") or hasattr(mask, "coords")
    )


@dataclass(frozen=True, slots=True, eq=False)
class SparseStack:
    """Weights of several masks, mask after mask, each in ascending order of pixels.

    Parameters
    ----------
    sig_shape : tuple of int
        Of each mask.
    pixel : ndarray of int64, shape (weights,)
        Flat pixel numbers.
    weight : ndarray, shape (weights,)
        At these pixels; all others are zero.
    bounds : ndarray of int64, shape (masks + 1,)
        Mask k has the weights ``bounds[k]`` to ``bounds[k + 1]``, the latter exclusive.
    """

    sig_shape: tuple[int, ...]
    pixel: NDArray[np.int64]
    weight: NDArray[Any]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, stack: Any) -> SparseStack:
        """From a stack, dense or sparse, shape (n,) + sig."""
        shape, flat, weight = _entries(stack)
        pixels = math.prod(shape[1:])
        mask, pixel = np.divmod(flat, max(1, pixels))
        return cls(tuple(shape[1:]), pixel, weight, _bounds(mask, shape[0]))

    @classmethod
    def of_masks(cls, masks: Sequence[Any]) -> SparseStack:
        """From masks one by one, dense or sparse.

        Raises
        ------
        ParameterError
            If they differ in shape.
        """
        entries = [_entries(mask) for mask in masks]
        check_same_shape([shape for shape, _, _ in entries])
        counts = [pixel.size for _, pixel, _ in entries]
        return cls(
            entries[0][0],
            np.concatenate([pixel for _, pixel, _ in entries]),
            np.concatenate([weight for _, _, weight in entries]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )

    def __len__(self) -> int:
        return self.bounds.size - 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,) + sig."""
        return (len(self), *self.sig_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights."""
        return self.weight.dtype

    @property
    def is_crowded(self) -> bool:
        """Whether multiplying every pixel is quicker than fetching those that count."""
        size = math.prod(self.shape)
        return self.pixel.size > size / _CROWD and size * self.dtype.itemsize <= _LARGEST_DENSE

    def astype(self, dtype: DTypeLike) -> SparseStack:
        """The same weights in another dtype."""
        return replace(self, weight=self.weight.astype(dtype))

    def reshaped(self, sig_shape: tuple[int, ...]) -> SparseStack:
        """The same pixels arranged in another shape of the same size."""
        return replace(self, sig_shape=sig_shape)

    def cut(self, box: Slice) -> SparseStack:
        """The part of all masks in a box of signal axes."""
        shape = tuple(box.shape)
        if tuple(box.origin) == (0,) * len(shape) and shape == self.sig_shape:
            return self
        place = np.stack(np.unravel_index(self.pixel, self.sig_shape))
        place -= np.array(box.origin, np.int64)[:, np.newaxis]
        inside = ((place >= 0) & (place < np.array(shape)[:, np.newaxis])).all(axis=0)
        pixel = np.ravel_multi_index(tuple(place[:, inside]), shape)
        return SparseStack(
            shape,
            np.asarray(pixel, np.int64),
            self.weight[inside],
            _bounds(self._mask_numbers()[inside], len(self)),
        )

    def packed(self, dtype: np.dtype[Any]) -> SparseMasks:
        """Ready for frames of ``dtype``."""
        pixels = math.prod(self.sig_shape)
        return SparseMasks(self.pixel, self.weight, self.bounds, pixels, dtype)

    def dense(self) -> NDArray[Any]:
        """As an array, shape (n,) + sig."""
        stack = np.zeros((len(self), math.prod(self.sig_shape)), self.dtype)
        stack[self._mask_numbers(), self.pixel] = self.weight
        return stack.reshape(self.shape)

    def as_pydata(self) -> Any:
        """As a ``sparse.COO``, shape (n,) + sig.

        Raises
        ------
        ImportError
            If the package sparse is not there.
        """
        import sparse  # type: ignore[import-untyped] # optional: only those need it who ask for its arrays

        place = np.unravel_index(self.pixel, self.sig_shape)
        coords = np.stack([self._mask_numbers(), *place])
        return sparse.COO(coords, self.weight, shape=self.shape)

    def matrix(self, mode: str, *, transpose: bool) -> Any:
        """As a sparse matrix.

        Parameters
        ----------
        mode : str
            One of ``SPARSE_MODES``.
        transpose : bool
            Whether pixels come first.

        Returns
        -------
        scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, sparse.COO or sparse.GCXS
            Shape (n, pixels), or (pixels, n) if transposed.

        Raises
        ------
        ImportError
            If the package that makes it is not there.
        """
        shape = (len(self), math.prod(self.sig_shape))
        if mode.startswith("sparse.pydata"):
            flat = self.as_pydata().reshape(shape)
            flat = flat.T if transpose else flat
            return flat.asformat("gcxs") if mode.endswith("GCXS") else flat
        import scipy.sparse  # type: ignore[import-untyped] # optional: only those need it who ask for its matrices

        place = (self._mask_numbers(), self.pixel)
        if transpose:
            shape, place = shape[::-1], place[::-1]
        make = scipy.sparse.csc_matrix if mode.endswith("csc") else scipy.sparse.csr_matrix
        return make((self.weight, place), shape=shape)

    def _mask_numbers(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))


def check_same_shape(shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse masks that differ in shape.

    Raises
    ------
    ParameterError
        Naming all shapes.
    """
    if len(set(shapes)) > 1:
        raise ParameterError(
            f"all masks must have the same shape, these have {sorted(set(shapes))}"
        )


def check_numeric(dtype: np.dtype[Any]) -> None:
    """Refuse masks of anything but numbers.

    Raises
    ------
    ParameterError
        Naming the dtype.
    """
    if dtype.kind not in "buifc":
        raise ParameterError(f"a mask must be an array of numbers, this is {dtype}")


def _entries(array: Any) -> tuple[tuple[int, ...], NDArray[np.int64], NDArray[Any]]:
    """Shape, flat places in ascending order, and values there, of any array."""
    if not is_sparse(array):
        dense = np.asarray(array)
        check_numeric(dense.dtype)
        places = np.flatnonzero(dense)
        return dense.shape, places.astype(np.int64), dense.reshape(-1)[places]
    if not hasattr(array, "coords"):  # CSR, CSC, GCXS; DOK of pydata
        array = array.tocoo() if hasattr(array, "tocoo") else array.to_coo()
    if getattr(array, "fill_value", 0) != 0:
        raise ParameterError(
            f"a sparse mask must be zero where nothing is stored, this is {array.fill_value}"
        )
    shape = tuple(int(n) for n in array.shape)
    values = np.asarray(array.data)
    check_numeric(values.dtype)
    given = np.ravel_multi_index(tuple(np.asarray(c) for c in array.coords), shape)
    places, which = np.unique(given, return_inverse=True)
    if places.size == given.size:
        return shape, places.astype(np.int64), values[np.argsort(given)]
    sums = np.zeros(places.size, values.dtype)  # scipy lets a place occur twice: they add up
    np.add.at(sums, which, values)
    return shape, places.astype(np.int64), sums


def _bounds(mask: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return np.searchsorted(mask, np.arange(count + 1)).astype(np.int64)
