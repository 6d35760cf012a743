"""``libertem.io.dataset.memory``: MemoryDataSet."""

from framefold.formats.memory_dataset import MemoryDataSet

__all__ = ["MemoryDataSet"]
