"""``libertem.utils.devices``: what there is to compute with."""

from framefold.compat.devices import detect, has_cupy

__all__ = ["detect", "has_cupy"]
