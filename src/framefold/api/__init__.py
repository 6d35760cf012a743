"""The Python face: a Context runs UDFs on files and on live streams."""

from framefold.api.context import PRELOAD, Context, usable_cores
from framefold.api.iteration import Results, RunIterator, UDFResults

__all__ = ["PRELOAD", "Context", "Results", "RunIterator", "UDFResults", "usable_cores"]
