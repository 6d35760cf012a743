"""``libertem.viz.mpl``: live plots by matplotlib."""

from framefold.api.matplotlib_plot import MPLLive2DPlot

__all__ = ["MPLLive2DPlot"]
