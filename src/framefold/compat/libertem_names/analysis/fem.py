"""``libertem.analysis.fem``: FEMAnalysis."""

from framefold.analyses.frame_analyses import FEMAnalysis

__all__ = ["FEMAnalysis"]
