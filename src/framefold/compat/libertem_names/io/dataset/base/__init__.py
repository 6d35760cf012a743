"""``libertem.io.dataset.base``: data sets, partitions, tiles."""

from framefold.compat.io_backends import BufferedBackend, DirectBackend, IOBackend, MMapBackend
from framefold.core.corrections import CorrectionSet
from framefold.errors import FramefoldError as DataSetException
from framefold.formats.dataset import RecordedDataSet as DataSet
from framefold.formats.partitions import DataSetMeta, DataTile, Partition
from framefold.formats.partitions import Partition as BasePartition
from framefold.udf.tiling import TilingScheme

__all__ = [
    "BasePartition",
    "BufferedBackend",
    "CorrectionSet",
    "DataSet",
    "DataSetException",
    "DataSetMeta",
    "DataTile",
    "DirectBackend",
    "IOBackend",
    "MMapBackend",
    "Partition",
    "TilingScheme",
]
