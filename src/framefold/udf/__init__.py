"""The programming model: what users subclass, and what drives it on both sides of a run."""

from framefold.udf.access import UDFData, UseDiscouragedWarning
from framefold.udf.auto import AutoUDF
from framefold.udf.aux_data import AuxData
from framefold.udf.base import UDF
from framefold.udf.bound import BoundRun
from framefold.udf.buffers import ArrayWithMask, BufferWrapper
from framefold.udf.dtype import check_cast
from framefold.udf.masks import get_bbox, get_bbox_slice, get_inner_slice, reshaped_view
from framefold.udf.meta import UDFMeta
from framefold.udf.mixins import (
    UDFFrameMixin,
    UDFMergeAllMixin,
    UDFPartitionMixin,
    UDFPostprocessMixin,
    UDFPreprocessMixin,
    UDFTileMixin,
)
from framefold.udf.partial import PartitionResult, UDFError
from framefold.udf.reduction import Reduction
from framefold.udf.spec import RunSpec
from framefold.udf.tiling import TilingScheme, UDFMethod

__all__ = [
    "UDF",
    "ArrayWithMask",
    "AutoUDF",
    "AuxData",
    "BoundRun",
    "BufferWrapper",
    "PartitionResult",
    "Reduction",
    "RunSpec",
    "TilingScheme",
    "UDFData",
    "UDFError",
    "UDFFrameMixin",
    "UDFMergeAllMixin",
    "UDFMeta",
    "UDFMethod",
    "UDFPartitionMixin",
    "UDFPostprocessMixin",
    "UDFPreprocessMixin",
    "UDFTileMixin",
    "UseDiscouragedWarning",
    "check_cast",
    "get_bbox",
    "get_bbox_slice",
    "get_inner_slice",
    "reshaped_view",
]
