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
    "UDFResults",
    "UDFRunCancelled",
    "UDFRunner",
    "UDFTileMixin",
    "check_cast",
]
