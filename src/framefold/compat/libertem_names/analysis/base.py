"""``libertem.analysis.base``: what analyses are made of."""

from framefold.analyses.analysis import Analysis, AnalysisResult, AnalysisResultSet
from framefold.analyses.analysis import Analysis as BaseAnalysis

__all__ = ["Analysis", "AnalysisResult", "AnalysisResultSet", "BaseAnalysis"]
