"""``libertem.udf.auto``: AutoUDF."""

from framefold.udf import AutoUDF

__all__ = ["AutoUDF"]
