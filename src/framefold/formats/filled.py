"""Frames that nobody stored since all their pixels are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from framefold.formats.pieces import WHEREVER


@dataclass(frozen=True, slots=True)
class FilledFrames:
    """Frames of one value; storage on the main side and piece in a block.

    Parameters
    ----------
    value : float or complex
        The value of all pixels.
    frames : int
        How many frames.
    """

    value: Any
    frames: int

    gap: ClassVar[int] = WHEREVER

    def piece(self, first: int, stop: int) -> FilledFrames:
        """The frames ``[first, stop)``."""
        return FilledFrames(self.value, stop - first)

    def open(self) -> FilledFrames:
        """Itself: there is nothing to open."""
        return self

    def close(self) -> None:
        """Nothing to do."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:  # noqa: ARG002
        """See `framefold.formats.pieces.OpenPiece.read`."""
        out[...] = self.value
        return out
