"""``libertem.common.shape``: Shape."""

from framefold.core.shape import Shape

__all__ = ["Shape"]
