"""One pixel type for all UDFs of a run, and the check of what may be assigned to what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def machine_order(dtype: DTypeLike) -> np.dtype[Any]:
    """The same type in the byte order of this machine."""
    return np.dtype(dtype).newbyteorder("=")


def negotiate(native: DTypeLike, preferences: Iterable[DTypeLike]) -> np.dtype[Any]:
    """The type that frames are handed to UDFs in.

    Parameters
    ----------
    native : dtype-like
        Type of the pixels as recorded.
    preferences : iterable of dtype-like
        What each UDF would like; ``bool`` leaves the choice to the others.

    Returns
    -------
    numpy.dtype
        The smallest type that loses nothing of any of them by numpy's promotion rules, in
        machine byte order. Integers of 32 bits and more become float64 beside float32.
    """
    return machine_order(np.result_type(np.dtype(native), *(np.dtype(p) for p in preferences)))


def check_cast(fromvar: Any, tovar: Any) -> None:
    """Refuse an assignment that could lose something.

    Parameters
    ----------
    fromvar, tovar : ndarray or dtype-like
        What is assigned to what.

    Raises
    ------
    TypeError
        If numpy does not call the cast safe.
    """
    source, target = _dtype_of(fromvar), _dtype_of(tovar)
    if not np.can_cast(source, target, casting="safe"):
        raise TypeError(
            f"Unsafe automatic casting from {source} to {target}; "
            "convert explicitly in merge, or declare the buffer with a wider dtype"
        )


def _dtype_of(value: Any) -> np.dtype[Any]:
    found = getattr(value, "dtype", None)
    return found if isinstance(found, np.dtype) else np.dtype(value)
