"""``libertem.udf.stddev``: StdDevUDF."""

from framefold.analyses.stddev import StdDevUDF, consolidate_result, merge, process_tile, run_stddev

__all__ = ["StdDevUDF", "consolidate_result", "merge", "process_tile", "run_stddev"]
