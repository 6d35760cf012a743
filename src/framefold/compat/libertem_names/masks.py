"""``libertem.masks``: masks of detector regions."""

from framefold.analyses.detector_masks import (
    background_subtraction,
    circular,
    gradient_x,
    gradient_y,
    radial_gradient,
    rectangular,
    ring,
)
from framefold.analyses.detector_masks import circular as _make_circular_mask
from framefold.analyses.detector_masks_polar import (
    balance,
    bounding_radius,
    polar_map,
    radial_bins,
    radial_gradient_background_subtraction,
)
from framefold.analyses.detector_masks_stacks import (
    sparse_circular_multi_stack,
    sparse_template_multi_stack,
)

__all__ = [
    "_make_circular_mask",
    "background_subtraction",
    "balance",
    "bounding_radius",
    "circular",
    "gradient_x",
    "gradient_y",
    "polar_map",
    "radial_bins",
    "radial_gradient",
    "radial_gradient_background_subtraction",
    "rectangular",
    "ring",
    "sparse_circular_multi_stack",
    "sparse_template_multi_stack",
]
