"""``libertem.viz``: pictures."""

from framefold.api.plots import get_plottable_2D_channels
from framefold.compat.pictures import encode_image, rgb_from_2dvector, visualize_simple

__all__ = ["encode_image", "get_plottable_2D_channels", "rgb_from_2dvector", "visualize_simple"]
