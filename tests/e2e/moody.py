"""A UDF of a user's own, which cannot stand one value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.udf import UDF

BAD = 60_000
"""The value of a frame's first pixel at which it gives up."""


class MoodyUDF(UDF):
    """The largest pixel of each frame."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"largest": self.buffer(kind="nav", dtype=np.uint16)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        if frame[0, 0] == BAD:
            raise ValueError(f"a pixel of {BAD} is too much for me")
        self.results.largest[:] = frame.max()
