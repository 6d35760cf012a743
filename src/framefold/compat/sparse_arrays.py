"""Sparse and dense arrays, under LiberTEM's names; needs the extra ``sparse``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.registry import load_target


def is_sparse(array: Any) -> bool:
    """Whether an array is sparse: of scipy or of pydata."""
    return hasattr(array, "toarray") or hasattr(array, "todense")


def to_dense(array: Any) -> NDArray[Any]:
    """An array with all its zeros."""
    for densify in ("toarray", "todense"):
        if hasattr(array, densify):
            array = getattr(array, densify)()
    return np.asarray(array)


def to_sparse(array: Any, shape: tuple[int, ...] | None = None) -> Any:
    """An array as ``sparse.COO``.

    Parameters
    ----------
    array : array, dense or sparse
    shape : tuple of int, optional
        Another shape with as many elements.

    Raises
    ------
    ImportError
        If the package sparse is not installed.
    """
    # an optional dependency: most users have no sparse data
    coo = load_target("sparse:COO")
    made = array if isinstance(array, coo) else coo.from_numpy(to_dense(array))
    return made if shape is None else made.reshape(shape)
