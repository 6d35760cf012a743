"""``libertem.io.corrections``: corrections under the older name."""

from framefold.core.corrections import CorrectionSet

__all__ = ["CorrectionSet"]
