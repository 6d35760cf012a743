"""``libertem.utils``: vectors and lattices."""

from framefold.compat.geometry import (
    calc_coords,
    frame_peaks,
    make_cartesian,
    make_polar,
    regularize_indices,
    rotate_deg,
    rotate_precalc,
    rotate_rad,
    within_frame,
)

__all__ = [
    "calc_coords",
    "frame_peaks",
    "make_cartesian",
    "make_polar",
    "regularize_indices",
    "rotate_deg",
    "rotate_precalc",
    "rotate_rad",
    "within_frame",
]
