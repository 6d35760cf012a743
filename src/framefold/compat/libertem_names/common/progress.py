"""``libertem.common.progress``: progress of runs."""

from framefold.api import ProgressReporter, ProgressState, TQDMProgressReporter

__all__ = ["ProgressReporter", "ProgressState", "TQDMProgressReporter"]
