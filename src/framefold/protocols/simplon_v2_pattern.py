"""The images of one stream v2 series by the bytes they share: found without decoding CBOR."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
from cbor2 import CBORTag
from numpy.typing import NDArray

from framefold.kernels.cbor_images import BYTES, FRAME, IMAGE, NUMBER, SAME, find_images
from framefold.protocols.base import MAX_FRAME
from framefold.protocols.batch import ImagePattern, Images, Messages
from framefold.protocols.cbor_message import INT, stand_in
from framefold.protocols.encodings import sizes
from framefold.protocols.events import Arrived

_FRAME = re.compile(rb"himage_id(" + INT + rb")", re.DOTALL)
_TIMES = re.compile(
    rb"[ij](real_time|start_time|stop_time)\x82(" + INT + rb")(" + INT + rb")", re.DOTALL
)  # [numerator, denominator]


class CborImagePattern(ImagePattern):
    """Images that equal one that was decoded in full, byte for byte but for what may change.

    That is the frame number, the times, and the lengths of the byte strings of arrays; and it
    is made sure of that these are what they look like. So a match says as much as decoding.

    Parameters
    ----------
    small : bytes
        A message without its blobs, as `without_blobs` makes it.
    message : mapping
        What it decodes to.
    blobs : int
        How many blobs it had.
    chosen : int
        Which of them is the image, from 0.
    like : Arrived
        What the message says.

    Raises
    ------
    ValueError
        If the message is not laid out in a way that a pattern can follow.
    """

    def __init__(
        self, small: bytes, message: Mapping[str, object], blobs: int, chosen: int, like: Arrived
    ) -> None:
        super().__init__(like)
        # bytes that look like an array may stand in a text; then they are no item of their own
        marks = [stand_in(number) for number in range(blobs)]
        if sorted(_byte_strings(message)) != sorted(mark[1:] for mark in marks):
            raise ValueError("an array within a text, or twice")
        changing = [*_numbers(small, message)]
        for number, mark in enumerate(marks):
            start = small.index(mark)
            changing.append((start, start + len(mark), IMAGE if number == chosen else BYTES))
        self._same = np.frombuffer(small, np.uint8)
        self._steps = _steps(sorted(changing), len(small))
        h, w = like.sig_shape
        self._sizes = sizes(like.encoding, h * w * like.dtype.itemsize)

    def images(self, messages: Messages) -> Images:
        """The messages at the front that are images of the series."""
        found = np.empty((3, len(messages)), np.int64)
        count = find_images(
            messages.memory, messages.first, messages.parts, self._steps, self._same,
            *self._sizes, MAX_FRAME, found,
        )  # fmt: skip
        return Images(self.like, messages.memory, *found[:, :count])

    def match(self, message: memoryview) -> Arrived | None:
        """What one message says if it is one of the series, else None."""
        memory = np.frombuffer(message, np.uint8)
        memory.flags.writeable = False
        parts = np.array([[0, len(message)]], np.int64)
        found = self.images(Messages(memory, np.arange(2), parts))
        if not len(found):
            return None
        start, like = int(found.offsets[0]), self.like
        payload = message[start : start + int(found.lengths[0])]
        number = int(found.frames[0])
        return Arrived(like.series, number, payload, like.encoding, like.sig_shape, like.dtype)


def _byte_strings(value: object) -> Iterator[bytes]:
    """All byte strings in a message that might be stand-ins, however deep."""
    if isinstance(value, bytes):
        if stand_in(0)[1:-1] in value:
            yield value
    elif isinstance(value, CBORTag):
        yield from _byte_strings(value.value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _byte_strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _byte_strings(item)


def _numbers(small: bytes, message: Mapping[str, object]) -> Iterator[tuple[int, int, int]]:
    """Where frame number and times are in a message: start, end, what it is."""
    found = [*_FRAME.finditer(small)]
    if len(found) != 1 or small.count(b"image_id") != 1:
        raise ValueError("not one frame number")
    yield (*found[0].span(1), FRAME)
    for match in _TIMES.finditer(small):
        # a name that is a key and is found once is not part of a text
        if match[1].decode() in message and small.count(match[1]) == 1:
            yield (*match.span(2), NUMBER)
            yield (*match.span(3), NUMBER)


def _steps(changing: list[tuple[int, int, int]], end: int) -> NDArray[np.int64]:
    """The steps of `framefold.kernels.cbor_images`."""
    steps = []
    position = 0
    for start, behind, what in changing:
        if start < position:
            raise ValueError("one within another")
        steps += [(SAME, position, start), (what, 0, 0)]
        position = behind
    return np.array([*steps, (SAME, position, end)], np.int64)
