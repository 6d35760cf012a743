"""``libertem.udf.crystallinity``: CrystallinityUDF."""

from framefold.analyses.crystallinity import CrystallinityUDF, run_analysis_crystall

__all__ = ["CrystallinityUDF", "run_analysis_crystall"]
