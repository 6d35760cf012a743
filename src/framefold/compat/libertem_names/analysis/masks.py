"""``libertem.analysis.masks``: MasksAnalysis."""

from framefold.analyses.classic import MasksAnalysis
from framefold.analyses.classic import MasksAnalysis as BaseMasksAnalysis

__all__ = ["BaseMasksAnalysis", "MasksAnalysis"]
