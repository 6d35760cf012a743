"""``libertem.analysis.sumfft``: SumfftAnalysis."""

from framefold.analyses.fourier_analyses import SumfftAnalysis

__all__ = ["SumfftAnalysis"]
