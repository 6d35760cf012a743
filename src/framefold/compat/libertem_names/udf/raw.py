"""``libertem.udf.raw``: PickUDF."""

from framefold.analyses.pick import PickUDF

__all__ = ["PickUDF"]
