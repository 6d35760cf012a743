"""Guess how detector and scan lie to each other from the field of centres of mass itself.

The shifts of a thin specimen follow the gradient of a potential, which has no curl, and atoms
attract the beam, so the field's sources are negative where they are strongest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from framefold.analyses.vector_fields import apply_correction, divergence, gradient


class GuessResult(NamedTuple):
    """Parameters for `CoMUDF.with_params`.

    Parameters
    ----------
    scan_rotation : int
        [degrees], above -180, at most 180.
    flip_y : bool
        Whether the detector's y axis points the other way.
    cy, cx : float
        What to add to the reference point so that the mean of the field vanishes [pixels].
    """

    scan_rotation: int
    flip_y: bool
    cy: float
    cx: float


def coordinate_check(
    y: NDArray[Any], x: NDArray[Any], roi: Any = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much curl the field would have for each whole angle.

    Parameters
    ----------
    y, x : ndarray, shape (rows, columns)
        The field.
    roi : index, optional
        Which positions count; all but the last row and column when left out.

    Returns
    -------
    straight, flipped : ndarray of float64, shape (360,)
        Root mean square curl without and with ``flip_y``, by ``scan_rotation`` [degrees].
    """
    part = np.s_[:-1, :-1] if roi is None else roi
    angles = np.deg2rad(np.arange(360))
    cos, sin = np.cos(angles), np.sin(angles)
    found = []
    for mirror in (1, -1):
        along_y = mirror * np.asarray(y, np.float64)
        along_x = np.asarray(x, np.float64)
        # the curl of a turned field is this mixture of its curl and divergence
        curl = (gradient(along_y, 1) - gradient(along_x, 0))[part]
        sources = (gradient(along_x, 1) + gradient(along_y, 0))[part]
        square = (
            cos**2 * np.mean(curl**2)
            + 2 * cos * sin * np.mean(curl * sources)
            + sin**2 * np.mean(sources**2)
        )
        found.append(np.sqrt(np.maximum(square, 0)))  # rounding may leave -1e-20
    return found[0], found[1]


def guess_corrections(y: NDArray[Any], x: NDArray[Any], roi: Any = None) -> GuessResult:
    """The rotation and flip that leave the least curl.

    Parameters
    ----------
    y, x : ndarray, shape (rows, columns)
        ``raw_shifts`` of a scan without corrections.
    roi : index, optional
        Which positions count; all but the last row and column when left out.

    Returns
    -------
    GuessResult
    """
    part = np.s_[:-1, :-1] if roi is None else roi
    straight, flipped = coordinate_check(y, x, roi)
    flip_y = bool(flipped.min() < straight.min())
    angle = int(np.argmin(flipped if flip_y else straight))
    turned = apply_correction(y, x, angle, flip_y)
    sources = divergence(*turned)[part]
    # curl is least at two angles, half a turn apart: of these, one points towards the atoms
    limit = float(np.abs(sources).max()) or 1.0
    counts, _ = np.histogram(sources, bins=5, range=(-limit, limit))
    if counts[0] < counts[-1]:
        angle += 180
    angle %= 360
    return GuessResult(
        angle - 360 if angle > 180 else angle,
        flip_y,
        float(np.mean(np.asarray(y)[part])),
        float(np.mean(np.asarray(x)[part])),
    )
