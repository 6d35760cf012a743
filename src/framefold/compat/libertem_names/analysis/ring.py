"""``libertem.analysis.ring``: RingMaskAnalysis."""

from framefold.analyses.classic import RingMaskAnalysis

__all__ = ["RingMaskAnalysis"]
