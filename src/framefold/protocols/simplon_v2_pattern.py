"""The images of one stream v2 series by the bytes they share: found without decoding CBOR."""

from __future__ import annotations

import re
from dataclasses import replace

from framefold.protocols.base import MAX_FRAME, Arrived
from framefold.protocols.cbor_message import INT, LENGTH, stand_in
from framefold.protocols.encodings import check_size

_FRAME = re.compile(rb"himage_id(" + INT + rb")", re.DOTALL)
_TIMES = re.compile(
    rb"(ireal_time|jstart_time|istop_time)\x82" + INT + INT, re.DOTALL
)  # [numerator, denominator]


class ImagePattern:
    """What all image messages of a series have in common.

    Everything is held against the bytes of a message that was decoded in full, but the frame
    number, the times, and the lengths of the blobs. So a match says as much as decoding.

    Parameters
    ----------
    small : bytes
        A message without its blobs, as `without_blobs` makes it.
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

    def __init__(self, small: bytes, blobs: int, chosen: int, like: Arrived) -> None:
        pieces: list[bytes] = []
        for number in range(blobs):
            piece, mark, small = small.partition(stand_in(number))
            if not mark:
                raise ValueError("a blob out of order")
            pieces.append(piece)
        # the frame number is looked for before the blobs, where all detectors have it
        if len(_FRAME.findall(pieces[0])) != 1:
            raise ValueError("no frame number, or two, before the first image")
        self._pieces = [re.compile(_generalised(p) + LENGTH, re.DOTALL) for p in pieces]
        self._rest = re.compile(_generalised(small), re.DOTALL)
        self._chosen = chosen
        self._like = replace(like, payload=memoryview(b""))
        h, w = like.sig_shape
        self._frame_bytes = h * w * like.dtype.itemsize

    def match(self, message: memoryview) -> Arrived | None:
        """What the message says if it is one of the series, else None.

        Raises
        ------
        ProtocolError
            ``"size-mismatch"``.
        """
        position, number, image = 0, b"", message
        for i, piece in enumerate(self._pieces):
            found = piece.match(message, position)
            if found is None:
                return None
            start = found.end()
            position = start + int.from_bytes(found[found.lastindex or 0][1:])
            if i == 0:
                number = found[1]
            if i == self._chosen:
                image = message[start:position]
        # also refuses a blob that is cut short: there is nothing to match beyond the end
        if position > len(message) or self._rest.fullmatch(message, position) is None:
            return None
        frame = number[0] if len(number) == 1 else int.from_bytes(number[1:])
        if frame > MAX_FRAME:
            return None
        like = self._like
        check_size(like.encoding, len(image), self._frame_bytes)
        return Arrived(like.series, frame, image, like.encoding, like.sig_shape, like.dtype)


def _generalised(literal: bytes) -> bytes:
    """A pattern for bytes in which frame number and times may differ."""
    pattern, position = [], 0
    found = sorted(
        [*_FRAME.finditer(literal), *_TIMES.finditer(literal)], key=lambda match: match.start()
    )
    for match in found:
        if match.start() < position:
            raise ValueError("keys within a number")
        pattern.append(re.escape(literal[position : match.start()]))
        if match.re is _FRAME:
            pattern += (rb"himage_id(", INT, rb")")
        else:
            pattern += (re.escape(match[1]), rb"\x82", INT, INT)
        position = match.end()
    pattern.append(re.escape(literal[position:]))
    return b"".join(pattern)
