"""``libertem.udf.FEM``: FEMUDF."""  # noqa: N999 - the name users know

from framefold.analyses.fem import FEMUDF, run_fem

__all__ = ["FEMUDF", "run_fem"]
