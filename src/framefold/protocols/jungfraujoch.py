"""Jungfraujoch's CBOR stream (PSI): stream v2 with a channel "default" and messages of its own."""

from __future__ import annotations

import re

from framefold.protocols.cbor_stream import CborStream, begins_cbor
from framefold.protocols.events import Part

# keys that only its messages have; in an image, the channel "default" right before an array
_OWN = re.compile(
    rb"lmagic_number[\x00-\x1b]|dtypekcalibration|dtypehmetadata|gdefault(?:\xd8\x28|\xd9\x04\x10)"
)
_SEARCHED = 2048


class Jungfraujoch(CborStream):
    """The image stream of a Jungfraujoch server.

    Notes
    -----
    Jungfraujoch, docs/CBOR.md and docs/IMAGE_STREAM.md. Pixels may be signed, and ``error_value``
    marks those without a value. Of several image sockets each has a share of the images: numbers
    with gaps are then what they should be.
    """

    name = "jungfraujoch"

    @classmethod
    def certainty(cls, first_part: Part) -> int:
        """Sure if the message has what only Jungfraujoch sends; else it is plain stream v2."""
        is_own = _OWN.search(bytes(first_part[:_SEARCHED]))
        return 2 if begins_cbor(first_part) and is_own else 0
