"""Quantum Detectors Merlin over TCP: a text header for all, then frames behind headers of text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from framefold.core.encoding import Encoding
from framefold.core.medipix_layout import DEPTHS, encoded_bytes
from framefold.core.merlin_header import HEAD, LONGEST_HDR, MARK, FrameHeader, check, read_hdr
from framefold.core.merlin_scan import told_by_hdr
from framefold.errors import DataError, ProtocolError
from framefold.protocols.base import MAX_FRAME, WireProtocol, seconds
from framefold.protocols.events import Arrived, Ended, Event, Part, Started
from framefold.protocols.merlin_pattern import MerlinPattern

_LONGEST = 512  # bytes of a frame's header that are looked at
_HEADER = re.compile(
    rb"MQ1,(\d{1,12})(,(\d{1,8}),(\d{1,6}),(\d{1,6}),(\d{1,6}),([A-Z]\d\d),\s*([0-9A-Za-z]{1,8}),"
    rb"\s*([0-9A-Fa-f]{1,8}),)(?:([^,]{0,64}),[^,]{0,32},\s*(\d{0,3}))?"
)
_LESSONS = 8


class Merlin(WireProtocol):
    """What comes over a Merlin's data port, without the prefix of each message.

    Parameters
    ----------
    channel : str or None
        ``"0"`` or ``"1"`` for the frames of one counter where both are read out; all by default.

    Notes
    -----
    Quantum Detectors, "Merlin user manual". Nothing tells that an acquisition is over but the
    number of frames that its header promises, and the header of the next. A frame is placed by
    its number, so that those which the readout dropped leave their positions empty: numbers begin
    at 1, or go on from the acquisition before.
    """

    name = "merlin"
    transport = "mpx"

    def __init__(self, channel: str | None = None) -> None:
        super().__init__(channel)
        self._acquisitions = 0
        self._series = "merlin-0"
        self._promised: int | None = None
        self._base: int | None = None  # the number of frame 0; None before the first frame
        self._last = 0  # the highest number of the acquisition before
        self._highest = -1  # of this one, counted from 0
        self._is_ordered = True
        self._pattern: MerlinPattern | None = None
        self._lessons = 0

    @classmethod
    def understands(cls, first_part: Part) -> bool:
        """Whether the part begins like an acquisition's header or a frame's."""
        return bytes(first_part[:4]) in (HEAD, MARK)

    @property
    def pattern(self) -> MerlinPattern | None:
        """What frames of the acquisition at hand have in common; None while that is not known."""
        return self._pattern

    def feed(self, parts: Sequence[Part]) -> tuple[Event, ...]:
        """What one message tells.

        Parameters
        ----------
        parts : sequence of bytes or memoryview
            The message behind its prefix: a single part.

        Returns
        -------
        tuple of Started, Arrived or Ended
            The end comes with the last frame that was promised, as long as all came in order.

        Raises
        ------
        ProtocolError
            If the message cannot be used; the object stays usable for the next one.
        """
        if len(parts) != 1:
            raise ProtocolError("missing-part", f"a message of {len(parts)} parts, not one")
        whole = memoryview(parts[0])
        mark = bytes(whole[:4])
        if mark == MARK:
            return self._arrived(whole)
        if mark == HEAD:
            return (self._started(whole),)
        shown = mark.hex(" ") or "nothing"
        raise ProtocolError("unknown-message", f"{len(whole)} bytes that begin with {shown}")

    def _started(self, whole: memoryview) -> Started:
        if len(whole) > LONGEST_HDR:
            raise ProtocolError("bad-header", f"an acquisition header of {len(whole)} bytes")
        hdr = read_hdr(bytes(whole))
        self._take_up()
        self._last = max(self._last, (self._base or 0) + self._highest)
        self._acquisitions += 1
        stamp = next((hdr[key] for key in hdr if key.startswith("Time and Date")), "")
        self._series = f"merlin-{self._acquisitions} {stamp}".strip()[:80]
        self._promised = _whole(hdr.get("Frames in Acquisition")) or None
        self._base, self._highest, self._is_ordered = None, -1, True
        self._pattern, self._lessons = None, 0
        period = hdr.get("Acquisition Period", "")
        return Started(
            series=self._series,
            number=self._acquisitions,
            sig_shape=None,
            dtype=None,
            frames=self._promised,
            frame_time=_milliseconds(period),
            metadata=dict(hdr),
            scan=told_by_hdr(self._promised, hdr),
        )

    def _arrived(self, whole: memoryview) -> tuple[Event, ...]:
        found = _HEADER.match(bytes(whole[:_LONGEST]))
        if found is None:
            raise ProtocolError("bad-header", "a frame header that makes no sense")
        if self.channel is not None and (found[11] or b"").decode() != self.channel:
            return ()
        self._take_up()
        header = _described(found, len(whole))
        number = self._placed(header.sequence)
        payload = whole[header.offset :]
        dtype = header.dtype
        encoding = Encoding(header.codec, not header.is_raw and dtype.itemsize > 1)
        arrived = Arrived(
            self._series, number, payload, encoding, header.sig_shape, dtype.newbyteorder("=")
        )
        if self._lessons < _LESSONS and self.channel is None:
            self._lessons += 1
            assert self._base is not None
            self._pattern = MerlinPattern(
                found[2], header.offset, self._base, self._promised, arrived
            )
        return (arrived, *self._over(number))

    def _placed(self, sequence: int) -> int:
        """A frame's number in the acquisition, from 0."""
        if self._base is None or sequence < self._base:
            limit = MAX_FRAME if self._promised is None else self._promised
            bases = [base for base in (self._last + 1, 1) if 0 <= sequence - base < limit]
            # neither anew nor on from the last: then this one is the first
            self._base = bases[0] if bases else sequence
            self._pattern = None
        return sequence - self._base

    def _over(self, number: int) -> tuple[Event, ...]:
        """The end, if this is the last frame."""
        if number <= self._highest:
            self._is_ordered = False
        self._highest = max(self._highest, number)
        if self._is_ordered and self._promised is not None and number == self._promised - 1:
            return (Ended(self._series, "last frame"),)
        return ()

    def _take_up(self) -> None:
        """What the pattern saw meanwhile."""
        if self._pattern is not None:
            self._highest = max(self._highest, self._pattern.highest)
            self._is_ordered = self._is_ordered and self._pattern.is_ordered


def _described(found: re.Match[bytes], size: int) -> FrameHeader:
    """A frame's header; for packed pixels, their length tells how many bits they have."""
    sequence, offset, chips, width, height = (int(found[n]) for n in (1, 3, 4, 5, 6))
    kind, layout = found[7].decode(), found[8].decode()
    depths = [d for d in DEPTHS if offset + encoded_bytes(width * height, d) == size]
    header = FrameHeader(
        sequence, offset, chips, width, height, kind, layout,
        depths[0] if depths else None, None, (found[10] or b"").decode("latin-1").strip(),
    )  # fmt: skip
    if header.is_raw and not depths:
        raise ProtocolError("size-mismatch", f"{size - offset} bytes of packed pixels")
    try:
        check(header, "a frame")
        expected = header.offset + header.encoded
    except DataError as error:
        raise ProtocolError("bad-header", str(error)) from error
    if size != expected:
        raise ProtocolError("size-mismatch", f"{size} bytes for a frame of {expected}")
    return header


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def _milliseconds(text: str) -> float | None:
    try:
        return seconds(float(text) / 1000)
    except ValueError:
        return None
