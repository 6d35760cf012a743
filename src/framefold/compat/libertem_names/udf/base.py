"""``libertem.udf.base``: what UDFs derive from."""

from framefold.analyses.noop import NoOpUDF
from framefold.api import UDFResults
from framefold.compat.runner import UDFRunner
from framefold.errors import UDFException, UDFRunCancelled
from framefold.udf import (
    UDF,
    UDFData,
    UDFFrameMixin,
    UDFMergeAllMixin,
    UDFMeta,
    UDFMethod,
    UDFPartitionMixin,
    UDFPostprocessMixin,
    UDFPreprocessMixin,
    UDFTileMixin,
    check_cast,
)
from framefold.udf import UDFData as MergeAttrMapping
from framefold.udf.base import UDF as UDFProtocol  # noqa: N811 - the name users know

__all__ = [
    "UDF",
    "MergeAttrMapping",
    "NoOpUDF",
    "UDFData",
    "UDFException",
    "UDFFrameMixin",
    "UDFMergeAllMixin",
    "UDFMeta",
    "UDFMethod",
    "UDFPartitionMixin",
    "UDFPostprocessMixin",
    "UDFPreprocessMixin",
    "UDFProtocol",
    "UDFResults",
    "UDFRunCancelled",
    "UDFRunner",
    "UDFTileMixin",
    "check_cast",
]
