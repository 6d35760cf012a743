"""``libertem.analysis.com``: COMAnalysis."""

from framefold.analyses.classic import COMAnalysis

__all__ = ["COMAnalysis"]
