"""``libertem.viz``: pictures."""

from framefold.api.plots import get_plottable_2D_channels
from framefold.compat.cyclic_colours import libertem_cyclic
from framefold.compat.pictures import encode_image, rgb_from_2dvector, visualize_simple

__all__ = [
    "encode_image",
    "get_plottable_2D_channels",
    "libertem_cyclic",
    "rgb_from_2dvector",
    "visualize_simple",
]
