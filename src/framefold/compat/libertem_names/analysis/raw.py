"""``libertem.analysis.raw``: PickFrameAnalysis."""

from framefold.analyses.classic import PickFrameAnalysis

__all__ = ["PickFrameAnalysis"]
