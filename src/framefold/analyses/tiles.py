"""What tiles a UDF is given in this run."""

from __future__ import annotations

from typing import Any

import numpy as np

from framefold.udf import UDF
from framefold.udf.spec import takes_native_tiles


def frame_dtype(udf: UDF) -> np.dtype[Any]:
    """The dtype of the pixels that come: as recorded or corrected, unless a subclass wants its own.

    Parameters
    ----------
    udf : UDF
        With ``process_native_tile`` and ``process_tile``; a subclass that overrides the latter
        alone gets, and may hand on, frames in the run's dtype.
    """
    native = takes_native_tiles(type(udf))
    return udf.meta.tile_dtype if native else udf.meta.input_dtype
