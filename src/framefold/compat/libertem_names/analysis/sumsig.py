"""``libertem.analysis.sumsig``: SumSigAnalysis."""

from framefold.analyses.frame_analyses import SumSigAnalysis

__all__ = ["SumSigAnalysis"]
