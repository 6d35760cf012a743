"""``libertem.corrections.detector``: corrections of frames."""

from framefold.core.detector import correct, correct_dot_masks
from framefold.core.repair import RepairDescriptor
from framefold.errors import CorrectError, RepairValueError

__all__ = ["CorrectError", "RepairDescriptor", "RepairValueError", "correct", "correct_dot_masks"]
