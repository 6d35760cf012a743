"""``libertem.common.udf``: methods of UDFs."""

from framefold.udf import UDF as UDFProtocol  # noqa: N811 - the name users know
from framefold.udf import UDFMethod

__all__ = ["UDFMethod", "UDFProtocol"]
