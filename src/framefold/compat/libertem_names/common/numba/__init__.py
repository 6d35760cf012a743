"""``libertem.common.numba``: compiled products."""

from framefold.compat.mask_products import cached_njit, rmatmul

__all__ = ["cached_njit", "rmatmul"]
