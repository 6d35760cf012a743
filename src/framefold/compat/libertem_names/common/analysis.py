"""``libertem.common.analysis``: results of analyses."""

from framefold.analyses.analysis import AnalysisResult, AnalysisResultSet

__all__ = ["AnalysisResult", "AnalysisResultSet"]
