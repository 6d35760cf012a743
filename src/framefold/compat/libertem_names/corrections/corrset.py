"""``libertem.corrections.corrset``: CorrectionSet."""

from framefold.core.corrections import CorrectionSet

__all__ = ["CorrectionSet"]
