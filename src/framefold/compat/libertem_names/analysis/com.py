"""``libertem.analysis.com``: COMAnalysis, and what is done to fields of centres of mass."""

from framefold.analyses.classic import COMAnalysis
from framefold.analyses.com_corrections import GuessResult, coordinate_check, guess_corrections
from framefold.analyses.com_masks import center_shifts, com_masks_factory, com_masks_generic
from framefold.analyses.vector_fields import apply_correction, curl_2d, divergence, magnitude

__all__ = [
    "COMAnalysis",
    "GuessResult",
    "apply_correction",
    "center_shifts",
    "com_masks_factory",
    "com_masks_generic",
    "coordinate_check",
    "curl_2d",
    "divergence",
    "guess_corrections",
    "magnitude",
]
