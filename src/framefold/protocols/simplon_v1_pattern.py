"""The images of one stream v1 series by the bytes they share: found without a JSON reader."""

from __future__ import annotations

import re

import numpy as np

from framefold.kernels.json_images import find_images
from framefold.protocols.base import MAX_FRAME
from framefold.protocols.batch import ImagePattern, Images, Messages
from framefold.protocols.encodings import sizes
from framefold.protocols.events import Arrived, Part

_SIZE = re.compile(rb'"size"[ \t\r\n]*:[ \t\r\n]*(0|[1-9][0-9]{0,15})(?=[ \t\r\n]*[,}])')


class JsonImagePattern(ImagePattern):
    """Images whose second part equals that of one that was read in full, but for the size.

    Parameters
    ----------
    series : int
        The series they belong to.
    second : bytes or memoryview
        The second part of one of them.
    like : Arrived
        What that message says.

    Raises
    ------
    ValueError
        If it is written in a way that the comparison could not follow.
    """

    def __init__(self, series: int, second: Part, like: Arrived) -> None:
        super().__init__(like)
        second = bytes(second)
        # in valid JSON without escapes, this is a key wherever it stands before a colon
        found = list(_SIZE.finditer(second))
        if b"\\" in second or len(found) > 1 or second.count(b'"size"') != len(found):
            raise ValueError("a size that is not plain to see")
        self._series = series
        self._second = np.frombuffer(second, np.uint8)
        self._span = found[0].span(1) if found else (len(second), len(second))
        h, w = like.sig_shape
        self._sizes = sizes(like.encoding, h * w * like.dtype.itemsize)

    def images(self, messages: Messages) -> Images:
        """The messages at the front that are images of the series."""
        found = np.empty((3, len(messages)), np.int64)
        count = find_images(
            messages.memory, messages.first, messages.parts, self._series, self._second,
            *self._span, *self._sizes, MAX_FRAME, found,
        )  # fmt: skip
        return Images(self.like, messages.memory, *found[:, :count])
