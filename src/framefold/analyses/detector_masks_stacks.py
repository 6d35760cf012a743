"""Stacks of masks with the same template at many places, sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.analyses.detector_masks import circular
from framefold.analyses.sparse_stack import SparseStack
from framefold.errors import ParameterError


def sparse_template_multi_stack(
    mask_index: ArrayLike,
    offsetX: ArrayLike,  # noqa: N803 - the names UDF authors know
    offsetY: ArrayLike,  # noqa: N803
    template: NDArray[Any],
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
) -> Any:
    """Put a template into masks of a stack, wherever wanted.

    Parameters
    ----------
    mask_index : array-like of int, shape (n,)
        Into which mask each copy goes; the largest one decides how many masks there are.
    offsetX, offsetY : array-like of int, shape (n,)
        Where its first column and row go [pixels]. Parts beyond the detector are left out; copies
        that overlap in a mask add up.
    template : ndarray, shape (h, w)
        The weights.
    imageSizeX, imageSizeY : int
        Detector size [pixels].

    Returns
    -------
    sparse.COO, shape (masks, imageSizeY, imageSizeX)

    Raises
    ------
    ParameterError
        If the three lists differ in length.
    ImportError
        If the package sparse is not there.
    """
    stack = _placed(mask_index, offsetX, offsetY, np.asarray(template), (imageSizeY, imageSizeX))
    return stack.as_pydata()


def sparse_circular_multi_stack(
    mask_index: ArrayLike,
    centerX: ArrayLike,  # noqa: N803
    centerY: ArrayLike,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float,
) -> Any:
    """Put disks into masks of a stack, wherever wanted.

    Parameters
    ----------
    mask_index : array-like of int, shape (n,)
        Into which mask each disk goes; the largest one decides how many masks there are.
    centerX, centerY : array-like of int, shape (n,)
        Centres [pixels].
    imageSizeX, imageSizeY : int
        Detector size [pixels].
    radius : float
        Of all disks [pixels].

    Returns
    -------
    sparse.COO of bool, shape (masks, imageSizeY, imageSizeX)

    Raises
    ------
    ParameterError
        If the three lists differ in length.
    ImportError
        If the package sparse is not there.
    """
    reach = int(np.ceil(radius))
    side = 2 * reach + 1
    disk = circular(reach, reach, side, side, radius)
    left, top = np.asarray(centerX) - reach, np.asarray(centerY) - reach
    return _placed(mask_index, left, top, disk, (imageSizeY, imageSizeX)).as_pydata()


def _placed(
    mask_index: ArrayLike,
    left: ArrayLike,
    top: ArrayLike,
    template: NDArray[Any],
    sig_shape: tuple[int, int],
) -> SparseStack:
    masks, xs, ys = (np.asarray(v, np.int64).reshape(-1) for v in (mask_index, left, top))
    if not masks.size == xs.size == ys.size:
        raise ParameterError(
            f"{masks.size} mask numbers, {xs.size} x and {ys.size} y do not go together"
        )
    y, x = np.nonzero(template)
    count = int(masks.max(initial=-1)) + 1
    rows, columns = ys[:, np.newaxis] + y, xs[:, np.newaxis] + x
    inside = (rows >= 0) & (rows < sig_shape[0]) & (columns >= 0) & (columns < sig_shape[1])
    size = sig_shape[0] * sig_shape[1]
    flat = (masks[:, np.newaxis] * size + rows * sig_shape[1] + columns)[inside]
    weights = np.broadcast_to(template[y, x], inside.shape)[inside]
    places, which = np.unique(flat, return_inverse=True)
    sums = np.zeros(places.size, template.dtype)
    np.add.at(sums, which, weights)
    mask, pixel = np.divmod(places, size)
    bounds = np.searchsorted(mask, np.arange(count + 1)).astype(np.int64)
    return SparseStack(sig_shape, pixel, sums, bounds)
