"""``libertem.io.corrections.corrset``: CorrectionSet under the older name."""

from framefold.core.corrections import CorrectionSet

__all__ = ["CorrectionSet"]
