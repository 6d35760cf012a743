"""``libertem.corrections.coordinates``: matrices on (y, x)."""

from framefold.core.coordinates import (
    flip_x,
    flip_y,
    identity,
    rotate,
    rotate_deg,
    scale,
    scale_rotate_flip_y,
)

__all__ = ["flip_x", "flip_y", "identity", "rotate", "rotate_deg", "scale", "scale_rotate_flip_y"]
