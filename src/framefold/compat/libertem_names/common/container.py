"""``libertem.common.container``: MaskContainer."""

from framefold.analyses.mask_container import MaskContainer

__all__ = ["MaskContainer"]
