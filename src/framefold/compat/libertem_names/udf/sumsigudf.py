"""``libertem.udf.sumsigudf``: SumSigUDF."""

from framefold.analyses.sumsig import SumSigUDF, run_sumsig

__all__ = ["SumSigUDF", "run_sumsig"]
