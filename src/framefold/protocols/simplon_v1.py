"""DECTRIS SIMPLON stream v1 ("legacy"): JSON parts and pixel blobs in multipart messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from framefold.core.encoding import Encoding
from framefold.errors import ProtocolError
from framefold.protocols.base import MAX_FRAME, WireProtocol, checked_shape, shown
from framefold.protocols.encodings import check_size, stream_v1_encoding
from framefold.protocols.events import Arrived, Ended, Event, Part
from framefold.protocols.plain import begins_json
from framefold.protocols.simplon_v1_header import Header
from framefold.protocols.simplon_v1_pattern import JsonImagePattern

_DTYPES = {
    name: np.dtype(name)
    for name in ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32")
}
_T = TypeVar("_T")

# A pattern is learnt from messages that the last one did not know. A series in which that happens
# again and again (or that nobody reads by patterns) need not go on learning.
_LESSONS = 8


class _Head(msgspec.Struct):
    """The keys of part 0 that matter, of whatever message."""

    htype: str = ""
    series: int = -1
    frame: int = -1
    header_detail: str = ""


class _Image(msgspec.Struct):
    """Part 1 of an image message."""

    shape: list[int]
    type: str
    encoding: str
    size: int = -1


_Layout = tuple[tuple[int, int], np.dtype[Any], Encoding, int]


class SimplonV1(WireProtocol):
    """The stream of EIGER, PILATUS4, QUADRO, ARINA ... with ``format`` "legacy".

    Parameters
    ----------
    channel : str or None
        Accepted for the sake of a common signature; v1 carries a single unnamed image.

    Notes
    -----
    SIMPLON API 1.8, stream interface. A message is told by the ``htype`` of its first part,
    never by its number of parts. The parts of a global header may also come as messages of
    their own, as some simulators and recordings have them.
    """

    name = "simplon-v1"

    def __init__(self, channel: str | None = None) -> None:
        super().__init__(channel)
        self._head = msgspec.json.Decoder(_Head)
        self._image = msgspec.json.Decoder(_Image)
        self._layouts: dict[tuple[int, int, str, str], _Layout] = {}
        self._header: Header | None = None  # one whose parts are still coming in
        self._pattern: JsonImagePattern | None = None
        self._lessons = 0  # patterns made since the last header

    @classmethod
    def understands(cls, first_part: Part) -> bool:
        """Whether the part begins like JSON, but for that of the plain protocol."""
        return bytes(first_part[:1]) == b"{" and not begins_json(first_part)

    @property
    def pattern(self) -> JsonImagePattern | None:
        """What images of the series at hand have in common; None while that is not known."""
        # while a header goes on, what looks like an image may be a part of it
        return None if self._header is not None else self._pattern

    def feed(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        """What one message tells.

        Parameters
        ----------
        parts : sequence of bytes or memoryview
            The parts of one message, in order.

        Returns
        -------
        tuple of Started, Arrived or Ended
            `Arrived.payload` shares memory with its part.

        Raises
        ------
        ProtocolError
            If the message cannot be used; the object stays usable for the next one.
        """
        if not parts:
            raise ProtocolError("missing-part", "a message without any part")
        if self._header is not None:
            return self._go_on(self._header, parts)
        head = _decoded(self._head, parts[0], "part 0")
        if head.htype == "dimage-1.0":
            return (self._arrived(head, parts),)
        return self._rare(head, parts)

    def _arrived(self, head: _Head, parts: Sequence[Part]) -> Arrived:
        if len(parts) < 3:
            raise ProtocolError("missing-part", f"an image message of {len(parts)} parts, not 4")
        series, frame = head.series, head.frame
        if not (0 <= series <= MAX_FRAME and 0 <= frame <= MAX_FRAME):
            raise ProtocolError("bad-value", f"series {shown(series)}, frame {shown(frame)}")
        image = _decoded(self._image, parts[1], "part 1 of an image")
        try:
            w, h = image.shape
        except ValueError as error:
            raise ProtocolError("bad-shape", f"shape {shown(image.shape)} of an image") from error
        layout = self._layouts.get((w, h, image.type, image.encoding))
        if layout is None:
            layout = self._learn(w, h, image)
        shape, dtype, encoding, frame_bytes = layout
        payload = memoryview(parts[2])
        if image.size not in (len(payload), -1):
            detail = f"{len(payload)} bytes where size is {shown(image.size)} (frame {frame})"
            raise ProtocolError("size-mismatch", detail)
        check_size(encoding, len(payload), frame_bytes)
        arrived = Arrived(str(series), frame, payload, encoding, shape, dtype)
        if self._lessons < _LESSONS:
            self._remember(series, parts[1], arrived)
        return arrived

    def _remember(self, series: int, second: Part, image: Arrived) -> None:
        """Prepare to know the next image of this series by its bytes."""
        self._lessons += 1
        try:
            self._pattern = JsonImagePattern(series, second, image)
        except ValueError:
            self._pattern = None  # written in some other way: every message is read in full

    def _learn(self, w: int, h: int, image: _Image) -> _Layout:
        """Check a combination that was not seen before; a series has one, so this is rare."""
        shape = checked_shape(h, w)
        dtype = _DTYPES.get(image.type)
        if dtype is None:
            raise ProtocolError("unknown-dtype", f"type {image.type[:40]!r} of an image")
        encoding = stream_v1_encoding(image.encoding, dtype)
        layout = (shape, dtype, encoding, h * w * dtype.itemsize)
        if len(self._layouts) >= 64:  # only a sender of nonsense has so many
            self._layouts.clear()
        self._layouts[(w, h, image.type, image.encoding)] = layout
        return layout

    def _rare(self, head: _Head, parts: Sequence[Part]) -> tuple[Event, ...]:
        """Dispatch on the messages that come once a series."""
        if not 0 <= head.series <= MAX_FRAME:
            raise ProtocolError(
                "bad-value", f"series {shown(head.series)} in a message {head.htype[:40]!r}"
            )
        # a simulator in the field writes "deseries_end-1.0"
        if "series_end" in head.htype:
            return (Ended(str(head.series), head.htype),)
        if not head.htype.startswith("dheader"):
            raise ProtocolError("unknown-message", f"htype {head.htype[:40]!r}")
        self._pattern, self._lessons = None, 0
        header = Header(head.series, head.header_detail)
        header.add(parts[1:])
        return self._announce_if_complete(header)

    def _go_on(self, header: Header, parts: Sequence[Part]) -> tuple[Event, ...]:
        """A message after a header of which parts are still to come."""
        self._header = None
        if not self._interrupts(header, parts[0]):
            header.add(parts)
            return self._announce_if_complete(header)
        # the detector went on to something else: make do with what came of the header
        try:
            return (header.started(), *self.feed(parts))
        except ProtocolError:
            self._header = header  # announced with the next message that can be used
            raise

    def _interrupts(self, header: Header, part: Part) -> bool:
        """Whether this part begins a message of its own rather than being the header's next."""
        if header.awaits_blob and len(part) > 4096:
            return False
        try:
            htype = _decoded(self._head, part, "part 0").htype
        except ProtocolError:
            return False  # a blob or an appendix: the header will judge it
        return htype.startswith(("dheader", "dimage-")) or "series_end" in htype

    def _announce_if_complete(self, header: Header) -> tuple[Event, ...]:
        self._header = None if header.is_complete else header
        return (header.started(),) if header.is_complete else ()


def _decoded(decoder: msgspec.json.Decoder[_T], part: Part, what: str) -> _T:
    try:
        return decoder.decode(part)
    # UnicodeDecodeError and integers of thousands of digits are ValueErrors, too
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolError("bad-json", f"{what}: {error}") from error
