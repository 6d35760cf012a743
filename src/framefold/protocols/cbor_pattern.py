"""The images of one CBOR series by the bytes they share: found without decoding CBOR."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
from cbor2 import CBORTag
from numpy.typing import NDArray

from framefold.kernels.cbor_images import (
    BYTES,
    CHECK,
    FRAME,
    IMAGE,
    MOST_CHECKS,
    NUMBER,
    SAME,
    find_images,
)
from framefold.protocols.base import MAX_FRAME
from framefold.protocols.batch import ImagePattern, Images, Messages
from framefold.protocols.cbor_message import INT, stand_in
from framefold.protocols.encodings import sizes
from framefold.protocols.events import Arrived

_WHOLE = re.compile(rb"(?:h(image_id)|k(position_id)|n(message_number))(" + INT + rb")", re.DOTALL)
_CHECKS = re.compile(rb"fcrc32c([\x81-\x88]?)((?:" + INT + rb"){1,8})", re.DOTALL)
_TIMES = re.compile(
    rb"[ij](real_time|start_time|stop_time)\x82(" + INT + rb")(" + INT + rb")", re.DOTALL
)  # [numerator, denominator]

_Change = tuple[int, int, int, int]  # start, end, which step, which check


class CborImagePattern(ImagePattern):
    """Images that equal one that was decoded in full, byte for byte but for what may change.

    That is the frame number, other numbers and times, the lengths of the byte strings of arrays,
    and their checksums, which are compared; and it is made sure of that these are what they look
    like. So a match says as much as decoding.

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
    number : str
        The key that the frame's number comes from.

    Raises
    ------
    ValueError
        If the message is not laid out in a way that a pattern can follow.
    """

    def __init__(
        self,
        small: bytes,
        message: Mapping[str, object],
        blobs: int,
        chosen: int,
        like: Arrived,
        number: str = "image_id",
    ) -> None:
        super().__init__(like)
        # bytes that look like an array may stand in a text; then they are no item of their own
        marks = [stand_in(number) for number in range(blobs)]
        if sorted(_byte_strings(message)) != sorted(mark[1:] for mark in marks):
            raise ValueError("an array within a text, or twice")
        changing = [*_numbers(small, message, number)]
        checks = [*_checks(small, message)]
        changing += checks
        images = message.get("data")
        if checks and (not isinstance(images, Mapping) or len(images) != blobs):
            raise ValueError("checksums of we know not what")
        for blob, mark in enumerate(marks):
            start = small.index(mark)
            check = blob if blob < len(checks) else -1
            if check >= 0 and checks[blob][0] > start:
                raise ValueError("a checksum behind what it is for")
            what = IMAGE if blob == chosen else BYTES
            changing.append((start, start + len(mark), what, check))
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


def _numbers(small: bytes, message: Mapping[str, object], frame: str) -> Iterator[_Change]:
    """Where frame number, other numbers and times are in a message."""
    seen = []
    for match in _WHOLE.finditer(small):
        key = (match[1] or match[2] or match[3]).decode()
        if key in message and small.count(key.encode()) == 1:
            seen.append(key)
            yield (*match.span(4), FRAME if key == frame else NUMBER, -1)
    if frame not in seen:
        raise ValueError("not one frame number")
    for match in _TIMES.finditer(small):
        # a name that is a key and is found once is not part of a text
        if match[1].decode() in message and small.count(match[1]) == 1:
            yield (*match.span(2), NUMBER, -1)
            yield (*match.span(3), NUMBER, -1)


def _checks(small: bytes, message: Mapping[str, object]) -> Iterator[_Change]:
    """Where the checksums of the byte strings are."""
    told = message.get("crc32c")
    if told is None:
        return
    match = _CHECKS.search(small)
    if match is None or small.count(b"crc32c") != 1:
        raise ValueError("checksums that are not plain to see")
    expected = len(told) if isinstance(told, list | tuple) else 1
    head = match[1][0] - 0x80 if match[1] else 1
    if expected != head or expected > MOST_CHECKS or bool(match[1]) != isinstance(told, list):
        raise ValueError("checksums that are not plain to see")
    start = match.start(2)
    for number in range(expected):
        end = start + 1 + (0, 1, 2, 4, 8)[max(0, small[start] - 23)]
        yield (start, end, CHECK, number)
        start = end


def _steps(changing: list[_Change], end: int) -> NDArray[np.int64]:
    """The steps of `framefold.kernels.cbor_images`."""
    steps = []
    position = 0
    for start, behind, what, check in changing:
        if start < position:
            raise ValueError("one within another")
        steps += [(SAME, position, start), (what, check, 0)]
        position = behind
    return np.array([*steps, (SAME, position, end)], np.int64)
