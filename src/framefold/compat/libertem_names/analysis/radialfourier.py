"""``libertem.analysis.radialfourier``: RadialFourierAnalysis."""

from framefold.analyses.radial_fourier import RadialFourierAnalysis

__all__ = ["RadialFourierAnalysis"]
