"""``libertem.common.viz``: pictures as files."""

from framefold.compat.pictures import encode_image

__all__ = ["encode_image"]
