"""What get_results returned, checked against what was declared and made into result objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.errors import UDFException, UndeclaredResultError, nearest
from framefold.udf.buffers import ArrayWithMask, BufferWrapper
from framefold.udf.domain import Domain


def results_of(
    udf: str,
    returned: Mapping[str, Any],
    declared: Mapping[str, BufferWrapper],
    arrays: Mapping[str, NDArray[Any]],
    domain: Domain,
    processed: NDArray[np.bool_],
) -> dict[str, BufferWrapper]:
    """Result objects of one UDF.

    Parameters
    ----------
    udf : str
        Its name, for errors.
    returned : mapping
        What ``get_results`` gave: arrays, numbers, or `ArrayWithMask`.
    declared : mapping
        What ``get_result_buffers`` gave.
    arrays : mapping
        Merged buffers, for those that ``get_results`` left out.
    domain : Domain
        Axes of the run.
    processed : ndarray of bool, flat and compressed
        Positions that are merged; where nav results are valid unless they bring a mask.

    Raises
    ------
    UndeclaredResultError
        If a name is not declared; a UDFException and a KeyError.
    UDFException
        If a result is private, of another kind of type, or does not have the declared shape.
    """
    if not isinstance(returned, Mapping):
        raise UDFException(f"{udf}.get_results returned {returned!r}; return a dictionary")
    values = {name: _checked(udf, name, value, declared) for name, value in returned.items()}
    for name, buffer in declared.items():
        if name not in values and buffer.use is None:
            values[name] = arrays[name]
    return {
        name: _bind(f"{udf}: result {name!r}", declared[name], value, domain, processed)
        for name, value in values.items()
    }


def _checked(udf: str, name: str, value: Any, declared: Mapping[str, BufferWrapper]) -> Any:
    if name not in declared:
        close = nearest(name, declared)
        hint = f"; did you mean {close!r}?" if close else ""
        raise UndeclaredResultError(
            f"{udf}.get_results returned {name!r}, which get_result_buffers does not declare{hint}"
            f" (declared: {', '.join(sorted(declared)) or 'nothing'}); declare it with "
            "use='result_only'"
        )
    buffer = declared[name]
    if buffer.use == "private":
        raise UDFException(
            f"{udf}.get_results returned {name!r}, which is declared with use='private'; "
            "leave it out or declare it otherwise"
        )
    values = value if isinstance(value, ArrayWithMask) else np.asarray(value)
    kind = values.arr.dtype.kind if isinstance(values, ArrayWithMask) else values.dtype.kind
    if kind != buffer.dtype.kind:
        raise UDFException(
            f"{udf}.get_results returned {name!r} with a dtype of kind {kind!r}, declared is "
            f"{buffer.dtype} of kind {buffer.dtype.kind!r}; convert it or declare another dtype"
        )
    return values


def _bind(
    what: str,
    buffer: BufferWrapper,
    value: ArrayWithMask | NDArray[Any],
    domain: Domain,
    processed: NDArray[np.bool_],
) -> BufferWrapper:
    array = value.arr if isinstance(value, ArrayWithMask) else value
    mask = value.mask if isinstance(value, ArrayWithMask) else None
    if buffer.kind == "nav":
        return _bind_nav(what, buffer, array, mask, domain, processed)
    shape = buffer.shape_for(domain.frames, domain.sig_shape)
    if array.size == np.prod(shape, dtype=np.int64):
        array = array.reshape(shape)
        mask = None if mask is None else mask.reshape(shape)
    elif buffer.kind == "sig":
        raise _misfit(what, array, shape)
    return buffer.bound(domain, array, mask)


def _bind_nav(
    what: str,
    buffer: BufferWrapper,
    array: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    domain: Domain,
    processed: NDArray[np.bool_],
) -> BufferWrapper:
    """Nav results may be flat and compressed, or have all positions; axes of 1 do not matter."""
    selected = (domain.frames, *buffer.extra_shape)
    everything = (int(np.prod(domain.nav_shape, dtype=np.int64)), *buffer.extra_shape)
    full_nav = array.size != np.prod(selected, dtype=np.int64)
    shape = everything if full_nav else selected
    if array.size != np.prod(shape, dtype=np.int64):
        raise _misfit(what, array, selected)
    array = array.reshape(shape)
    if mask is not None:
        mask = mask.reshape(shape)
    else:
        rows = processed
        if full_nav and domain.selection is not None:
            rows = np.zeros(everything[0], dtype=bool)
            rows[domain.selection] = processed
        mask = np.broadcast_to(rows.reshape(-1, *(1 for _ in buffer.extra_shape)), shape)
    return buffer.bound(domain, array, mask, full_nav=full_nav)


def _misfit(what: str, array: NDArray[Any], shape: tuple[int, ...]) -> UDFException:
    return UDFException(f"{what} has shape {array.shape}, declared is {shape}")
