"""The Python face: a Context runs UDFs on files and on live streams."""

from framefold.api.context import PRELOAD, Context, LiveContext
from framefold.api.executors import Executor, usable_cores
from framefold.api.iteration import AsyncRunIterator, Results, RunIterator, UDFResults
from framefold.api.plots import Dummy2DPlot, Live2DPlot
from framefold.api.progress import ProgressReporter, ProgressState, TQDMProgressReporter

__all__ = [
    "PRELOAD",
    "AsyncRunIterator",
    "Context",
    "Dummy2DPlot",
    "Executor",
    "Live2DPlot",
    "LiveContext",
    "ProgressReporter",
    "ProgressState",
    "Results",
    "RunIterator",
    "TQDMProgressReporter",
    "UDFResults",
    "usable_cores",
]
