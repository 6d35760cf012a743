"""``libertem.analysis.sd``: SDAnalysis."""

from framefold.analyses.frame_analyses import SDAnalysis

__all__ = ["SDAnalysis"]
