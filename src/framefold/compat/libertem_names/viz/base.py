"""``libertem.viz.base``: live plots and pictures."""

from framefold.api.plots import Dummy2DPlot, Live2DPlot, get_plottable_2D_channels
from framefold.compat.cyclic_colours import libertem_cyclic
from framefold.compat.pictures import encode_image, rgb_from_2dvector, visualize_simple

__all__ = [
    "Dummy2DPlot",
    "Live2DPlot",
    "encode_image",
    "get_plottable_2D_channels",
    "libertem_cyclic",
    "rgb_from_2dvector",
    "visualize_simple",
]
