"""``libertem.analysis.point``: PointMaskAnalysis."""

from framefold.analyses.classic import PointMaskAnalysis

__all__ = ["PointMaskAnalysis"]
