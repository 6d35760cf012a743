"""``libertem.analysis.sum``: SumAnalysis."""

from framefold.analyses.classic import SumAnalysis

__all__ = ["SumAnalysis"]
