"""``libertem.udf``: what UDFs derive from."""

from framefold.errors import UDFException, UDFRunCancelled
from framefold.udf import (
    UDF,
    AutoUDF,
    UDFData,
    UDFFrameMixin,
    UDFMergeAllMixin,
    UDFMeta,
    UDFPartitionMixin,
    UDFPostprocessMixin,
    UDFPreprocessMixin,
    UDFTileMixin,
    check_cast,
)

__all__ = [
    "UDF",
    "AutoUDF",
    "UDFData",
    "UDFException",
    "UDFFrameMixin",
    "UDFMergeAllMixin",
    "UDFMeta",
    "UDFPartitionMixin",
    "UDFPostprocessMixin",
    "UDFPreprocessMixin",
    "UDFRunCancelled",
    "UDFTileMixin",
    "check_cast",
]
