"""``libertem.warnings``: warnings."""

from framefold.udf import UseDiscouragedWarning

__all__ = ["UseDiscouragedWarning"]
