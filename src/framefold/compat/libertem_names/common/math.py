"""``libertem.common.math``: products and counts."""

from framefold.compat.arithmetic import (
    count_nonzero,
    flat_nonzero,
    make_2D_square,
    ndenumerate,
    prod,
)

__all__ = ["count_nonzero", "flat_nonzero", "make_2D_square", "ndenumerate", "prod"]
