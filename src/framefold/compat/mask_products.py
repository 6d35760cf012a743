"""Products of dense and sparse matrices, and compiled functions, under LiberTEM's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def rmatmul(left: NDArray[Any], right: Any) -> NDArray[Any]:
    """A dense matrix times a sparse one.

    Parameters
    ----------
    left : ndarray, shape (n, k)
    right : scipy.sparse matrix or array, shape (k, m)

    Returns
    -------
    ndarray, shape (n, m)

    Raises
    ------
    ValueError
        If the shapes do not go together, or ``right`` is not sparse by rows or columns.
    """
    if getattr(right, "format", None) not in ("csr", "csc"):
        raise ValueError(f"{type(right).__name__} is no sparse matrix in CSR or CSC format")
    if left.ndim != 2 or len(right.shape) != 2 or left.shape[1] != right.shape[0]:
        raise ValueError(f"shapes {left.shape} and {right.shape} do not go together")
    return np.asarray((right.T @ left.T).T)


def cached_njit(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """``numba.njit`` that keeps what it compiled on disk."""
    compiled: Callable[..., Any] = numba.njit(*args, **{"cache": True, **kwargs})
    return compiled
