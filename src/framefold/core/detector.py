"""Corrections of frames and of masks, as functions: for code that has no run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.corrections import corrected_dtype
from framefold.core.repair import RepairDescriptor
from framefold.errors import CorrectError, ParameterError, ShapeError

__all__ = ["RepairDescriptor", "correct", "correct_dot_masks"]


def correct(
    buffer: NDArray[Any],
    dark_image: NDArray[Any] | None = None,
    gain_map: NDArray[Any] | None = None,
    excluded_pixels: Any = None,
    repair_descriptor: RepairDescriptor | None = None,
    inplace: bool = False,
    sig_shape: Iterable[int] | None = None,
    allow_empty: bool = False,
) -> NDArray[Any]:
    """Subtract the dark frame, multiply with the gain, repair excluded pixels.

    Parameters
    ----------
    buffer : ndarray, shape any + sig
        Frames.
    dark_image, gain_map : ndarray, sig-shaped, optional
    excluded_pixels : optional
        Mask or coordinates as `framefold.core.repair.excluded_mask` takes them.
    repair_descriptor : RepairDescriptor, optional
        The same, prepared: instead of ``excluded_pixels``.
    inplace : bool
        Whether to write into ``buffer``.
    sig_shape : iterable of int, optional
        Shape of the detector, where nothing else tells it.
    allow_empty : bool
        Whether an excluded pixel may have no good neighbour.

    Returns
    -------
    ndarray
        ``buffer`` itself if ``inplace``, else new memory of float32 or wider.

    Raises
    ------
    TypeError
        If integers are to be corrected in place.
    CorrectError
        If ``buffer`` is to be corrected in place and not C-contiguous.
    ParameterError
        If both ``repair_descriptor`` and ``excluded_pixels`` are given; a ValueError.
    ShapeError
        If nothing tells the shape of the detector, or shapes do not fit; a ValueError.
    RepairValueError
        If an excluded pixel has no good neighbour.
    """
    if repair_descriptor is not None and excluded_pixels is not None:
        raise ParameterError("give either repair_descriptor or excluded_pixels, not both")
    sig = _sig_shape(sig_shape, dark_image, gain_map, excluded_pixels, repair_descriptor)
    dims = len(sig)
    if tuple(buffer.shape[buffer.ndim - dims :]) != sig:
        raise ShapeError(f"frames of shape {buffer.shape} do not end with the detector's {sig}")
    if inplace and buffer.dtype.kind not in "fc":
        raise TypeError(f"{buffer.dtype} cannot be corrected in place: fractions would be lost")
    if inplace and not buffer.flags.c_contiguous:
        raise CorrectError("only C-contiguous memory is corrected in place; pass inplace=False")
    out = buffer if inplace else np.array(buffer, dtype=corrected_dtype(buffer.dtype), order="C")
    if dark_image is not None:
        out -= np.asarray(dark_image).astype(out.dtype)
    if gain_map is not None:
        out *= np.asarray(gain_map).astype(out.dtype)
    repairs = repair_descriptor
    if repairs is None:
        repairs = RepairDescriptor(sig, excluded_pixels, allow_empty)
    repairs.repair(out.reshape(-1, int(np.prod(sig, dtype=np.int64))))
    return out


def correct_dot_masks(
    masks: Any, gain_map: NDArray[Any], excluded_pixels: Any = None, allow_empty: bool = False
) -> Any:
    """Masks that give for raw frames what the given ones give for corrected frames.

    Gain and repair are linear, so they can be done to the few masks instead of to all frames. The
    dark frame must have been subtracted.

    Parameters
    ----------
    masks : array, shape any + sig
        Dense or sparse. A scipy sparse matrix has shape (masks, pixels).
    gain_map : ndarray, sig-shaped
    excluded_pixels : optional
        Mask as `framefold.core.repair.excluded_mask` takes it.
    allow_empty : bool
        Whether an excluded pixel may have no good neighbour.

    Returns
    -------
    array
        Of the shape and kind of ``masks``.

    Raises
    ------
    ShapeError
        If the masks do not have the shape of the gain map.
    RepairValueError
        If an excluded pixel has no good neighbour.
    """
    gain = np.asarray(gain_map)
    sparse_kind = None
    dense = masks
    for name in ("todense", "toarray"):
        if hasattr(dense, name):
            sparse_kind = sparse_kind or type(masks)
            dense = getattr(dense, name)()
    dense = np.asarray(dense)
    if dense.size % gain.size or dense.shape[-1] not in (gain.shape[-1], gain.size):
        raise ShapeError(f"masks of shape {dense.shape} do not fit a gain map of {gain.shape}")
    flat = dense.reshape(-1, gain.size)
    result = flat.astype(np.result_type(dense.dtype, gain.dtype, np.float32))
    repairs = RepairDescriptor(gain.shape, excluded_pixels, allow_empty)
    result[:, repairs.excluded] = 0
    for k in range(repairs.neighbours.shape[1]):
        there = repairs.counts > k
        share = flat[:, repairs.excluded[there]] / repairs.counts[there]
        # add.at: two excluded pixels may have a neighbour in common
        np.add.at(result.T, repairs.neighbours[there, k], share.T)
    result = (result * gain.reshape(-1)).astype(result.dtype).reshape(dense.shape)
    if sparse_kind is None:
        return result
    # pydata/sparse and scipy.sparse, whichever the caller has
    return (
        sparse_kind.from_numpy(result)
        if hasattr(sparse_kind, "from_numpy")
        else (sparse_kind(result))
    )


def _sig_shape(
    given: Iterable[int] | None,
    dark: Any,
    gain: Any,
    excluded: Any,
    repairs: RepairDescriptor | None,
) -> tuple[int, ...]:
    found: list[tuple[int, ...]] = [
        *(() if given is None else (tuple(int(n) for n in given),)),
        *(() if repairs is None else (repairs.sig_shape,)),
        *(tuple(np.shape(a)) for a in (dark, gain) if a is not None),
    ]
    if not found and excluded is not None:
        # a mask; coordinates need one of the others beside them
        found = [tuple(getattr(excluded, "shape", np.shape(excluded)))]
    if not found:
        raise ShapeError(
            "nothing tells the shape of the detector; give sig_shape, dark_image, gain_map or "
            "excluded_pixels"
        )
    if len(set(found)) > 1:
        raise ShapeError(f"different shapes of the detector: {sorted(set(found))}")
    return found[0]
