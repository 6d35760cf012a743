"""Where masks come from: factories, arrays, lists of them, dense or sparse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.sparse_stack import (
    SPARSE_MODES,
    SparseStack,
    check_numeric,
    check_same_shape,
    is_sparse,
)
from framefold.errors import ParameterError, nearest

Factory = Callable[[], Any]


def check_mode(name: str, mode: object) -> None:
    """Refuse what says nothing of sparse masks.

    Raises
    ------
    ParameterError
        With the nearest mode there is.
    """
    if mode in (None, True, False) or mode in SPARSE_MODES:
        return
    close = nearest(str(mode), SPARSE_MODES)
    hint = f"; did you mean {close!r}?" if close else ""
    raise ParameterError(
        f"{name}={mode!r} is unknown{hint} (known: None, True, False, {', '.join(SPARSE_MODES)})"
    )


def as_factories(given: Any) -> Any:
    """What users give, checked as far as it can be without calling anything.

    Returns
    -------
    callable, tuple of callables, stack, or list of arrays

    Raises
    ------
    ParameterError
        If it is empty or not understood.
    """
    if callable(given) or is_sparse(given):
        return given
    if isinstance(given, np.ndarray):
        check_numeric(given.dtype)
        return given
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
    return _checked(members)


def _checked(masks: Iterable[Any]) -> list[Any]:
    """Masks, each an array, all of the same shape."""
    arrays = [mask if is_sparse(mask) else np.asarray(mask) for mask in masks]
    for array in arrays:
        check_numeric(array.dtype)
    check_same_shape([tuple(array.shape) for array in arrays])
    return arrays


def as_stack(factories: Any, use_sparse: bool | str | None) -> NDArray[Any] | SparseStack:
    """All masks, from what `as_factories` gave.

    Parameters
    ----------
    factories : callable, tuple of callables, stack, or list of arrays
        Callables are called.
    use_sparse : bool, str or None
        Whether to keep only weights that are not zero; None: if all masks are sparse.

    Raises
    ------
    ParameterError
        If masks are no arrays of numbers, or differ in shape.
    """
    made = factories
    if callable(factories):
        made = factories()
        if len(getattr(made, "shape", (0, 0))) < 2:
            raise ParameterError(
                f"the mask factory made an array of shape {made.shape}; one factory for all masks "
                "must return a stack, shape (n,) + sig; put it in a list if it makes one mask"
            )
        if not isinstance(made, Iterable) and not hasattr(made, "ndim"):
            raise ParameterError(f"the mask factory returned {made!r}; it must return masks")
        if not hasattr(made, "ndim"):
            made = _checked(made)
    elif isinstance(factories, tuple):
        made = _checked(factory() for factory in factories)
    listed = isinstance(made, list)
    sparse = all(is_sparse(mask) for mask in made) if listed else is_sparse(made)
    if use_sparse is None:
        use_sparse = sparse
    if use_sparse:
        return SparseStack.of_masks(made) if listed else SparseStack.of(made)
    if listed:
        return np.stack([_dense(mask) for mask in made])
    dense = _dense(made)
    check_numeric(dense.dtype)
    return dense.copy()


def _dense(mask: Any) -> NDArray[Any]:
    if not is_sparse(mask):
        return np.asarray(mask)
    return np.asarray(mask.toarray() if hasattr(mask, "toarray") else mask.todense())
