"""``libertem.common.slice``: Slice."""

from framefold.core.shape import Slice
from framefold.errors import SliceUsageError

__all__ = ["Slice", "SliceUsageError"]
