"""The open plain protocol: stream v2 with scan, positions and checksums; or JSON and raw bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError
from framefold.protocols.base import checked_count, checked_shape, shown
from framefold.protocols.cbor_stream import CborStream, begins_cbor
from framefold.protocols.encodings import check_size
from framefold.protocols.events import Arrived, Event, Part

_SEARCHED = 2048
_KEYS = re.compile(
    rb"nstream_profile|kposition_id[\x00-\x1b]|nmessage_number[\x00-\x1b]|fcrc32c|kimages_sent"
)
_HTYPE = re.compile(rb'"htype"\s*:\s*"(?:array|start|end)"')
_DTYPE = re.compile(r"[<>=|]?[uif][1248]|(?:u?int|float)(?:8|16|32|64)")
_json = msgspec.json.Decoder(dict[str, Any])


def begins_json(part: Part) -> bool:
    """Whether a part is the first of the JSON form, and of no other protocol with JSON."""
    return bytes(part[:1]) == b"{" and bool(_HTYPE.search(bytes(part[:_SEARCHED])))


class Plain(CborStream):
    """What anybody can send who has frames and no vendor's protocol.

    Parameters
    ----------
    channel : str or None
        Which of several images in a message to take; the first one by default.

    Notes
    -----
    docs/reference/plain.md. Every reader of stream v2 reads the CBOR form; what it adds is
    optional.
    """

    name = "plain"

    @classmethod
    def understands(cls, first_part: Part) -> bool:
        """Whether the part begins like a CBOR map, or like JSON of the convenience form."""
        return begins_cbor(first_part) or begins_json(first_part)

    @classmethod
    def certainty(cls, first_part: Part) -> int:
        """Sure if the message has what only this protocol has; else it is stream v2."""
        start = bytes(first_part[:_SEARCHED])
        is_own = begins_json(start) or (begins_cbor(start) and _KEYS.search(start))
        return 2 if is_own else 0

    def feed(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        """What one message tells; see `WireProtocol.feed`."""
        if parts and bytes(parts[0][:1]) == b"{":
            return self._told(parts)
        return super().feed(parts)

    def _told(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        """What a message of the JSON form tells."""
        try:
            head = _json.decode(parts[0])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProtocolError("bad-json", f"part 0: {error}") from error
        kind = head.get("htype")
        if kind == "array":
            return (_array(head, parts),)
        if kind not in ("start", "end"):
            raise ProtocolError("unknown-message", f"htype {shown(kind)}")
        message = {**head, "type": kind, "series_unique_id": _series(head)}
        if kind == "start":
            message["number_of_images"] = head.get("frames")
            if "dtype" in head:
                message["image_dtype"] = _dtype(head["dtype"])[0].name
            if "shape" in head:
                message["image_size_y"], message["image_size_x"] = _shape(head)
        return self._events(message, {})


def _array(head: dict[str, Any], parts: Sequence[Part]) -> Arrived:
    if len(parts) != 2:
        raise ProtocolError("missing-part", f"an array message of {len(parts)} parts, not 2")
    for key in ("dtype", "shape", "frame"):
        if key not in head:
            raise ProtocolError("missing-key", f"an array message without {key}")
    dtype, big_endian = _dtype(head["dtype"])
    shape = _shape(head)
    payload = memoryview(parts[1])
    encoding = Encoding("raw", big_endian)
    check_size(encoding, len(payload), shape[0] * shape[1] * dtype.itemsize)
    frame = checked_count(head["frame"], "frame")
    return Arrived(_series(head), frame, payload, encoding, shape, dtype)


def _series(head: dict[str, Any]) -> str:
    """The identity of a series: a text or a number; that of who counts none is 0."""
    series = head.get("series", 0)
    if isinstance(series, str) and series:
        return series[:200]
    return str(checked_count(series, "series"))


def _shape(head: dict[str, Any]) -> tuple[int, int]:
    shape = head["shape"]
    if not isinstance(shape, list) or len(shape) != 2:
        raise ProtocolError("bad-shape", f"shape {shown(shape)}: give [rows, columns]")
    return checked_shape(*shape)


def _dtype(text: object) -> tuple[np.dtype[Any], bool]:
    """A pixel type in machine byte order, and whether the bytes are big-endian."""
    if not isinstance(text, str) or not _DTYPE.fullmatch(text):
        raise ProtocolError("unknown-dtype", f"dtype {shown(text)}; known: uint16, <u2, >f4 ...")
    try:
        found = np.dtype(text)
    except TypeError as error:  # i1 and f8 there are, f1 there is not
        raise ProtocolError("unknown-dtype", f"dtype {shown(text)}: {error}") from error
    return found.newbyteorder("="), text.startswith(">") and found.itemsize > 1
