"""``libertem.analysis.rawfft``: PickFFTFrameAnalysis."""

from framefold.analyses.fourier_analyses import PickFFTFrameAnalysis

__all__ = ["PickFFTFrameAnalysis"]
