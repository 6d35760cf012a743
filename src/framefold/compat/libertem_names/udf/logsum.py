"""``libertem.udf.logsum``: LogsumUDF."""

from framefold.analyses.logsum import LogsumUDF, run_logsum

__all__ = ["LogsumUDF", "run_logsum"]
