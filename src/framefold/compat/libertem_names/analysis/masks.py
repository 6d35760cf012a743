"""``libertem.analysis.masks``: MasksAnalysis."""

from framefold.analyses.classic import MasksAnalysis

__all__ = ["MasksAnalysis"]
