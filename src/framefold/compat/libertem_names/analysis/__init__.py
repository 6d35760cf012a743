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
from framefold.analyses.radial_fourier import RadialFourierAnalysis

__all__ = [
    "COMAnalysis",
    "DiskMaskAnalysis",
    "MasksAnalysis",
    "PickFrameAnalysis",
    "PointMaskAnalysis",
    "RadialFourierAnalysis",
    "RingMaskAnalysis",
    "SumAnalysis",
]
