"""``libertem.common``: shapes and slices."""

from framefold.core.shape import Shape, Slice
from framefold.errors import SliceUsageError

__all__ = ["Shape", "Slice", "SliceUsageError"]
