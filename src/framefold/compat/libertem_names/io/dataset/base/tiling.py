"""``libertem.io.dataset.base.tiling``: DataTile."""

from framefold.formats.partitions import DataTile

__all__ = ["DataTile"]
