"""``libertem.analysis.apply_fft_mask``: ApplyFFTMask."""

from framefold.analyses.fourier_analyses import ApplyFFTMask

__all__ = ["ApplyFFTMask"]
