"""``libertem.udf.masks``: ApplyMasksUDF."""

from framefold.analyses.mask_container import MaskContainer
from framefold.analyses.masks import ApplyMasksUDF

__all__ = ["ApplyMasksUDF", "MaskContainer"]
