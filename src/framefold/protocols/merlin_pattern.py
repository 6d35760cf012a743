"""The frames of one Merlin acquisition by what their headers share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.kernels.merlin_images import find_images
from framefold.protocols.base import MAX_FRAME
from framefold.protocols.batch import ImagePattern, Images, Messages
from framefold.protocols.events import Arrived


class MerlinPattern(ImagePattern):
    """Frames whose headers equal one that was read in full, but for number and times.

    Parameters
    ----------
    like_text : bytes
        What the header has between number and time.
    header : int
        Its length [bytes].
    base : int
        The number of the first frame.
    promised : int or None
        How many frames come; the last of them is left to be read in full.
    like : Arrived
        What that message says.

    Attributes
    ----------
    highest : int
        The highest number that was found, counted from 0; -1 for none.
    is_ordered : bool
        Whether each number was higher than the one before.
    """

    def __init__(
        self, like_text: bytes, header: int, base: int, promised: int | None, like: Arrived
    ) -> None:
        super().__init__(like)
        self._text = np.frombuffer(like_text, np.uint8)
        self._header = header
        self._pixels = len(like.payload)
        self._base = base
        self._behind = MAX_FRAME if promised is None else promised - 1
        self._before: NDArray[np.int64] = np.empty(0, np.int64)  # of the last call
        self.highest = -1
        self.is_ordered = True

    def images(self, messages: Messages) -> Images:
        """The messages at the front that are frames of the acquisition."""
        found = np.empty((3, len(messages)), np.int64)
        count = find_images(
            messages.memory, messages.first, messages.parts, self._text, self._header,
            self._pixels, self._base, self._behind, found,
        )  # fmt: skip
        if count:
            self._look_at(found[0, :count])
        return Images(self.like, messages.memory, *found[:, :count])

    def _look_at(self, frames: NDArray[np.int64]) -> None:
        # those that had to wait are asked for again
        goes_on = frames[0] > self.highest or frames[0] in self._before
        if not goes_on or (np.diff(frames) <= 0).any():
            self.is_ordered = False
        self.highest = max(self.highest, int(frames.max()))
        self._before = frames.copy()
