"""``libertem.analysis.disk``: DiskMaskAnalysis."""

from framefold.analyses.classic import DiskMaskAnalysis

__all__ = ["DiskMaskAnalysis"]
