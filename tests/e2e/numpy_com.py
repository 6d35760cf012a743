"""Centres of mass and the field they make, in plain numpy, as the formulas are in a book."""

from __future__ import annotations

from typing import Any

import numpy as np

from e2e.numpy_references import Array, Expected, Scan, Table, rounded, squares


def com(
    scan: Scan,
    cy: float | None = None,
    cx: float | None = None,
    r: float = np.inf,
    ri: float = 0.0,
    scan_rotation: float = 0.0,
    flip_y: bool = False,
    regression: Any = -1,
) -> Table:
    h, w = scan.sig
    reference = np.array([h // 2 if cy is None else cy, w // 2 if cx is None else cx])
    square = squares(scan.sig, *reference)
    region = (square <= r**2) & ((square > ri**2) | (ri == 0))
    total = scan.per_frame(lambda f: (f * region).sum(axis=(1, 2)))
    down = scan.per_frame(lambda f: (f * region).sum(axis=2) @ np.arange(h))
    along = scan.per_frame(lambda f: (f * region).sum(axis=1) @ np.arange(w))
    centre = np.tile(reference.astype(np.float64), (len(total), 1))
    some = total > 0
    centre[some] = np.stack([down, along], axis=-1)[some] / total[some, np.newaxis]
    shifts = centre - reference

    # as complex numbers x + iy with y down, turning clockwise is multiplying by exp(i angle)
    turned = shifts[:, 1] + 1j * shifts[:, 0] * (-1 if flip_y else 1)
    turned = turned * np.exp(1j * np.deg2rad(scan_rotation))
    field = np.stack([turned.imag, turned.real], axis=-1)
    place = np.argwhere(scan.chosen)
    coefficients = regression_of(field, place, regression)
    field = field - coefficients[0] - place @ coefficients[1:]

    grid = np.full((*scan.nav, 2), np.nan)
    grid[scan.chosen] = field
    y, x = grid[..., 0], grid[..., 1]
    around = surrounded(scan.chosen)[scan.chosen]
    dtype = scan.wide
    # a shift is the difference of numbers as large as the detector
    noise = 1e-12 * max(h, w) / max(np.abs(field).max(), 1e-3)
    return {
        "raw_com": Expected(centre, dtype),
        "raw_shifts": Expected(shifts, dtype),
        "field": rounded(field, dtype, noise),
        "field_y": rounded(field[:, 0], dtype, noise),
        "field_x": rounded(field[:, 1], dtype, noise),
        "magnitude": rounded(np.hypot(field[:, 0], field[:, 1]), dtype, noise),
        "divergence": rounded((slope(y, 0) + slope(x, 1))[scan.chosen], dtype, noise, around),
        "curl": rounded((slope(y, 1) - slope(x, 0))[scan.chosen], dtype, noise, around),
        "regression": rounded(coefficients, np.float64, 1e-9),
    }


def regression_of(field: Array, place: Array, regression: Any) -> Array:
    """Rows: constant, per row, per column; columns: y, x."""
    if np.ndim(regression):
        return np.asarray(regression, np.float64)
    found = np.zeros((3, 2))
    if regression == 0:
        found[0] = field.mean(axis=0)
    if regression == 1:  # normal equations, about the middle, where they are well conditioned
        middle = place.mean(axis=0)
        away = place - middle
        found[1:] = np.linalg.solve(away.T @ away, away.T @ field)
        found[0] = field.mean(axis=0) - middle @ found[1:]
    return found


def slope(values: Array, axis: int) -> Array:
    """Central differences, one-sided at the ends."""
    v = np.moveaxis(values, axis, 0)
    found = np.concatenate([v[1:2] - v[:1], (v[2:] - v[:-2]) / 2, v[-1:] - v[-2:-1]])
    return np.moveaxis(found, 0, axis)


def surrounded(chosen: Array) -> Array:
    """Positions whose neighbours in the scan are chosen, too."""
    wide = np.pad(chosen, 1, constant_values=True)
    return chosen & wide[2:, 1:-1] & wide[:-2, 1:-1] & wide[1:-1, 2:] & wide[1:-1, :-2]


def curl_by_angle(y: Array, x: Array, flip_y: bool) -> Array:
    """Root mean square curl of the field turned by each whole degree, inner positions only."""
    found = []
    for angle in range(360):
        turned = (x + 1j * y * (-1 if flip_y else 1)) * np.exp(1j * np.deg2rad(angle))
        curl = slope(turned.imag, 1) - slope(turned.real, 0)
        found.append(np.sqrt(np.mean(curl[:-1, :-1] ** 2)))
    return np.array(found)
