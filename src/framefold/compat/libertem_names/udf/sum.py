"""``libertem.udf.sum``: SumUDF."""

from framefold.analyses.sum import SumUDF

__all__ = ["SumUDF"]
