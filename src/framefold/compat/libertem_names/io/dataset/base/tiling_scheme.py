"""``libertem.io.dataset.base.tiling_scheme``: TilingScheme."""

from framefold.udf.tiling import TilingScheme

__all__ = ["TilingScheme"]
