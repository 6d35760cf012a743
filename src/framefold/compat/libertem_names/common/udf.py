"""``libertem.common.udf``: methods of UDFs."""

from framefold.udf import UDFMethod
from framefold.udf.base import UDF as UDFProtocol  # noqa: N811 - the name users know

__all__ = ["UDFMethod", "UDFProtocol"]
