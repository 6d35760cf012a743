"""``libertem.common.numba.cache``: compiled functions kept on disk."""

from framefold.compat.mask_products import cached_njit

__all__ = ["cached_njit"]
