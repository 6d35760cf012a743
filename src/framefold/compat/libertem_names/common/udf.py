"""``libertem.common.udf``: methods of UDFs."""

from framefold.udf import UDFMethod

__all__ = ["UDFMethod"]
