"""``libertem.udf.record``: RecordUDF."""

from framefold.analyses.record import RecordUDF

__all__ = ["RecordUDF"]
