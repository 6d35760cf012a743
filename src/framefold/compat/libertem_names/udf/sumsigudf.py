"""``libertem.udf.sumsigudf``: SumSigUDF."""

from framefold.analyses.sumsig import SumSigUDF

__all__ = ["SumSigUDF"]
