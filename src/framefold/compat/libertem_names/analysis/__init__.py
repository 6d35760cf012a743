"""``libertem.analysis``: analyses."""

from framefold.analyses.classic import (
    COMAnalysis,
    DiskMaskAnalysis,
    MasksAnalysis,
    PickFrameAnalysis,
    PointMaskAnalysis,
    RingMaskAnalysis,
    SumAnalysis,
)
from framefold.analyses.fourier_analyses import ApplyFFTMask, PickFFTFrameAnalysis, SumfftAnalysis
from framefold.analyses.frame_analyses import FEMAnalysis, SDAnalysis, SumSigAnalysis
from framefold.analyses.radial_fourier import RadialFourierAnalysis

__all__ = [
    "ApplyFFTMask",
    "COMAnalysis",
    "DiskMaskAnalysis",
    "FEMAnalysis",
    "MasksAnalysis",
    "PickFFTFrameAnalysis",
    "PickFrameAnalysis",
    "PointMaskAnalysis",
    "RadialFourierAnalysis",
    "RingMaskAnalysis",
    "SDAnalysis",
    "SumAnalysis",
    "SumSigAnalysis",
    "SumfftAnalysis",
]
