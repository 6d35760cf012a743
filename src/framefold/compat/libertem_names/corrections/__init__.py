"""``libertem.corrections``: corrections of pixels."""

from framefold.core.corrections import CorrectionSet

__all__ = ["CorrectionSet"]
